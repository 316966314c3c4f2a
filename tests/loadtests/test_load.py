import gevent  # type: ignore[import-untyped]  # gevent carries no types
import pytest
from locust.argument_parser import LocustArgumentParser
from locust.stats import RequestStats

from loadtests.chapters import Block, Chapters, Voice
from loadtests.load import Load, reader_numbers
from loadtests.options import add_options, parse_options
from loadtests.request_log import Row

CHAPTERS = Chapters("d", "ab", 3, (Voice("alloy", 1.0),), "tts-1", ((Block(1, 0, "One.", "h"),),))


def load(*, shift_s: float = 0.0) -> Load:
    """A worker's load, on a clock that shows so much less than the master's."""
    parser = LocustArgumentParser()
    add_options(parser)
    options = parse_options(parser.parse_args([]))
    return Load(options, CHAPTERS, reader_numbers(0, 1, 0), RequestStats(), process=1, shift_s=shift_s)


def test_rows_and_samples_are_handed_in_once_and_counts_always() -> None:
    """A report has what came since the one before, and the counts of the whole run."""
    worker = load()
    worker.write(Row(5.0, 0, "play", 200, 0, None, 0.0, "first:chunk"))
    worker.watch.start()
    first, second = worker.report(last=False), worker.report(last=True)
    assert (first.rows.count("\n"), len(first.samples), first.last) == (1, 1, False)
    assert (second.rows, second.samples, second.last) == ("", (), True)
    assert first.tally.heard == second.tally.heard == 1
    worker.watch.stop()


def test_all_times_are_moved_to_the_masters_clock() -> None:
    """Those of rows, of samples and of the counts."""
    worker = load(shift_s=1_000_000.0)
    worker.write(Row(5.0, 0, "play", 200, 0, None, 0.0, "first:chunk"))
    worker.watch.start()
    report = worker.report(last=True)
    assert report.rows.startswith("1000005.000000,0,play,")
    assert report.tally.begun_t == 1_000_005.0
    assert report.samples[0].t > 1_000_000.0
    worker.watch.stop()


def test_who_rests_stays_until_the_run_is_over() -> None:
    """Counted all the while, also when Locust stops one of them."""
    worker = load()
    resting = [gevent.spawn(worker.rest) for _ in range(3)]
    gevent.sleep(0)
    assert worker.report(last=False).resting == 3
    resting[0].kill()
    assert worker.report(last=False).resting == 2
    worker.over()
    gevent.joinall(resting, timeout=5)
    assert all(reader.dead for reader in resting)
    assert worker.report(last=False).resting == 0


@pytest.mark.parametrize(("rank", "first"), [(0, [0, 3, 6]), (2, [2, 5, 8])])
def test_three_workers_share_the_numbers_in_turn(rank: int, first: list[int]) -> None:
    """Each has those that are its rank, modulo their number."""
    numbers = reader_numbers(rank, 3, 17)
    assert [next(numbers) for _ in first] == first
