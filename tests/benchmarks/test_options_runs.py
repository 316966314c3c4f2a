"""What is found of the options' runs: whole ones, those that are missing and why, and how many there were at once."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.options import BALANCES_S, NAMES, REPETITIONS, cells
from benchmarks.options_runs import NOT_MADE, PLAN, most_at_once, read_runs
from profiles.comparison import ComparisonError
from tests.benchmarks.option_folders import BEGAN, KILLED, make_run


def test_every_option_has_its_words_and_no_other() -> None:
    """GIVEN the options that are run THEN the report knows each, in an order of its own."""
    assert set(PLAN) == set(NAMES)


def test_runs_come_by_balance_option_and_number(tmp_path: Path) -> None:
    """GIVEN runs on disk in any order THEN the rested machine comes first, then the report's order, then the number."""
    for name in ("balance-5/live-1", "balance-500/cached-1", "balance-500/live-2", "balance-500/live-1"):
        make_run(tmp_path, name)
    found = read_runs(tmp_path)
    assert [run.name for run in found.runs] == [
        "balance-500/live-1", "balance-500/live-2", "balance-500/cached-1", "balance-5/live-1"
    ]  # fmt: skip
    assert [(group.option, group.balance_s, len(group.runs)) for group in found.groups()] == [
        ("live", 500.0, 2), ("cached", 500.0, 1), ("live", 5.0, 1)
    ]  # fmt: skip


def test_what_is_missing_says_why(tmp_path: Path) -> None:
    """GIVEN a run cut off, an invalid one and one that nobody began THEN none counts, and each has its reason."""
    (make_run(tmp_path, "balance-500/live-1") / "verdict.json").unlink()
    make_run(tmp_path, "balance-500/live-2", verdict="invalid", evidence=["the load fell behind"])
    make_run(tmp_path, "balance-500/live-3", verdict="invalid", evidence=[])
    found = read_runs(tmp_path)
    why = dict(found.missing)
    assert found.runs == ()
    assert why["balance-500/live-1"] == "not finished"
    assert why["balance-500/live-2"] == "invalid: the load fell behind"
    assert why["balance-500/live-3"] == "invalid: no evidence"
    assert why["balance-500/cached-1"] == NOT_MADE
    assert len(why) == len(list(cells(NAMES, BALANCES_S, REPETITIONS)))


def test_repetitions_beyond_the_plan_count_and_other_folders_do_not(tmp_path: Path) -> None:
    """GIVEN a fourth run, another balance, and folders that are no option's THEN only runs of options are read."""
    for name in ("balance-500/live-4", "balance-50/live-1", "balance-500/nothing-1", "balance-500/work"):
        make_run(tmp_path, name)
    (tmp_path / "balance-x" / "live-1").mkdir(parents=True)
    assert [run.name for run in read_runs(tmp_path).runs] == ["balance-500/live-4", "balance-50/live-1"]


def test_a_capture_is_no_measurement(tmp_path: Path) -> None:
    """GIVEN a run under memray beside one without THEN they are apart."""
    make_run(tmp_path, "balance-500/cached-1")
    make_run(tmp_path, "balance-500/cached-memray-1")
    found = read_runs(tmp_path)
    assert [group.option for group in found.groups()] == ["cached"]
    assert [group.option for group in found.groups(memray=True)] == ["cached-memray"]


def test_a_verdict_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """GIVEN a verdict with a broken field THEN the file and the field are named."""
    make_run(tmp_path, "balance-500/live-1", stalls="many")
    with pytest.raises(ComparisonError, match=r"live-1/verdict\.json: stalls"):
        read_runs(tmp_path)


def test_vcpus_that_the_machine_does_not_have_are_noticed(tmp_path: Path) -> None:
    """GIVEN a VM of four vCPUs and one of two on two cores THEN only the first could not burst."""
    make_run(tmp_path, "balance-500/live-8gb-1", KILLED, vm_cpu=4.0)
    make_run(tmp_path, "balance-500/live-1", KILLED, vm_cpu=2.0)
    assert [group.more_vcpus_than_cores for group in read_runs(tmp_path).groups()] == [False, True]


def test_a_machine_that_is_not_told_is_no_smaller_one(tmp_path: Path) -> None:
    """GIVEN a run that does not name its machine THEN nothing is claimed of its cores."""
    folder = make_run(tmp_path, "balance-500/live-8gb-1", vm_cpu=4.0)
    (folder / "run.json").write_text("{}")
    (run,) = read_runs(tmp_path).runs
    assert run.cores is None
    assert not run.more_vcpus_than_cores


def at(minute: float, minutes: float = 1) -> tuple[datetime, datetime]:
    """A run that began in that minute."""
    began = BEGAN + timedelta(minutes=minute)
    return began, began + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([at(0)], 1),
        ([at(0), at(1)], 1),  # the second begins as the first ends
        ([at(0, 2), at(1, 2)], 2),
        ([at(0, 10), at(1), at(2), at(2.5)], 3),
        ([at(0), at(0)], 2),
    ],
)
def test_the_most_at_once(spans: list[tuple[datetime, datetime]], most: int) -> None:
    """GIVEN when runs began and ended THEN the most that overlapped at one moment."""
    assert most_at_once(spans) == most


def test_a_run_knows_how_many_ran_beside_it(tmp_path: Path) -> None:
    """GIVEN three runs of which two overlap, one of them cut off later on THEN each knows its company."""
    make_run(tmp_path, "balance-500/live-1", minute=0)
    make_run(tmp_path, "balance-500/live-2", minute=0.5, verdict="invalid")
    make_run(tmp_path, "balance-500/live-3", minute=5)
    make_run(tmp_path, "balance-500/cached-1", minute=0)
    found = read_runs(tmp_path)
    assert {run.name: found.beside(run) for run in found.runs} == {
        "balance-500/live-1": 2, "balance-500/live-3": 0, "balance-500/cached-1": 2
    }  # fmt: skip
    assert most_at_once(found.spans) == 3


def test_a_run_that_does_not_tell_its_times_claims_no_company(tmp_path: Path) -> None:
    """GIVEN a run without an end THEN how many ran beside it is unknown, not none."""
    folder = make_run(tmp_path, "balance-500/live-1")
    (folder / "run.json").write_text('{"started_at": "2026-11-23T01:00:00+00:00"}')
    found = read_runs(tmp_path)
    assert found.beside(found.runs[0]) is None
