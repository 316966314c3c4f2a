import gc
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
import pytest
from locust.argument_parser import LocustArgumentParser
from locust.stats import RequestStats

from loadtests.chapters import Block, Chapters, Voice
from loadtests.load import Load, reader_numbers
from loadtests.long_lived import READERS_AT_ONCE
from loadtests.options import add_options, parse_options
from loadtests.request_log import Row

CHAPTERS = Chapters("d", "ab", 3, (Voice("alloy", 1.0),), "tts-1", ((Block(1, 0, "One.", "h"),),))


@pytest.fixture
def thawed() -> Iterator[None]:
    """The collector as it was."""
    assert gc.get_freeze_count() == 0
    yield
    gc.unfreeze()


def load(*words: str, shift_s: float = 0.0) -> Load:
    """A worker's load, on a clock that shows so much less than the master's."""
    parser = LocustArgumentParser()
    add_options(parser)
    options = parse_options(parser.parse_args(list(words)))
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


def test_a_load_that_goes_on_has_other_readers_and_the_clock_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN the number of the first reader and a shift THEN numbers and times go on where another load ended."""
    monkeypatch.setattr("loadtests.load.Exchange", lambda *_: None)
    worker = load("--first-reader", "40", "--clock-shift-s=-1000")
    user: Any = SimpleNamespace(client=None)
    assert [worker._next_reader(user)._number for _ in range(2)] == [40, 41]
    worker.write(Row(1005.0, 40, "play", 200, 0, None, 0.0, "first:chunk"))
    assert worker.report(last=True).rows.startswith("5.000000,40,play,")


@pytest.mark.usefixtures("thawed")
def test_sessions_that_follow_each_other_stay_the_collectors() -> None:
    """GIVEN as many sessions as are frozen, and more, two at a time THEN nothing is: it would never be given back."""
    worker = load()
    with worker._one_more_at_work():
        for _ in range(2 * READERS_AT_ONCE):
            with worker._one_more_at_work():
                pass
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("thawed")
def test_readers_who_are_there_at_once_are_frozen() -> None:
    """GIVEN so many readers at once THEN the collector does not look at them."""
    worker = load()
    with ExitStack() as readers:
        for _ in range(READERS_AT_ONCE):
            readers.enter_context(worker._one_more_at_work())
    assert gc.get_freeze_count() > 0


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
