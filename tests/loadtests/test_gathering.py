from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.gathering import Gathering, Report
from loadtests.request_log import Row
from loadtests.tally import Tally
from loadtests.watch import Sample


def report(number: int, *, at_work: int = 1, resting: int = 0, last: bool = False) -> Report:
    """What a worker with one reader hands in."""
    row = Row(100.0 + number, number, "play", 200, 0, None, 0.0, "first:chunk")
    tally = Tally(readers=1)
    tally.add(row)
    sample = Sample(100.0, number, 1.0, 0.0, 1000, 10, 100, at_work)
    return Report(row.line(), (sample,), tally, at_work, resting, last)


@pytest.fixture
def gathering(tmp_path: Path) -> Gathering:
    """One whose files are in the test's folder."""
    return Gathering(tmp_path / "requests.csv", tmp_path / "generator.csv")


def test_a_report_travels_as_locust_sends_it(sent: Callable[[object], tuple[Any, int]]) -> None:
    """Packed and unpacked it is the same."""
    arrived, _ = sent(report(3, last=True).to_json())
    assert Report.from_json(arrived) == report(3, last=True)


def test_rows_and_samples_of_all_come_into_one_file_each(tmp_path: Path, gathering: Gathering) -> None:
    """One head, then every line of every worker; the counts are those of all."""
    for number in (1, 0):
        gathering.take(f"worker-{number}", report(number))
    gathering.close()
    requests = (tmp_path / "requests.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in requests] == ["reader", "1", "0"]
    samples = (tmp_path / "generator.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in samples] == ["process", "1", "0"]
    assert (gathering.tally().readers, gathering.tally().heard) == (2, 2)


def test_a_run_is_finished_when_all_have_begun_and_nobody_reads(gathering: Gathering) -> None:
    """Not before the last has even come, nor while one of any worker still reads."""
    gathering.take("a", report(0, at_work=0, resting=2))
    assert not gathering.finished(3)
    gathering.take("b", report(1, at_work=1))
    assert not gathering.finished(3)
    gathering.take("b", report(1, at_work=0, resting=1))
    assert gathering.finished(3)


def test_a_worker_has_handed_in_when_it_says_so(gathering: Gathering) -> None:
    """Nobody waits for those who are not asked for."""
    assert gathering.handed_in([])
    assert not gathering.handed_in(["a"])
    gathering.take("a", report(0))
    assert not gathering.handed_in(["a"])
    gathering.take("a", report(0, last=True))
    assert gathering.handed_in(["a"])
    assert not gathering.handed_in(["a", "b"])


def test_each_process_is_judged_by_its_own_samples(gathering: Gathering) -> None:
    """One that is starved is found among calm ones."""
    for second in range(20):
        calm = Sample(second, 0, second / 10, 0.0, 1000, 10, 100, 5)
        starved = Sample(second, 1, float(second), 0.0, 1000, 10, 100, 5)
        gathering.take_sample(calm)
        gathering.take_sample(starved)
    assert [reason.split(" used")[0] for reason in gathering.saturated()] == ["process 1"]


def test_a_full_disk_names_its_file(tmp_path: Path) -> None:
    """The generator's file is told apart from the requests'."""
    with pytest.raises(OSError, match="/dev/full"):
        Gathering(tmp_path / "requests.csv", Path("/dev/full"))
