"""What the report says of the conditions: what all runs shared, and what differed."""

import json
from pathlib import Path

from benchmarks.options_conditions import condition_lines, conditions
from benchmarks.options_runs import read_runs
from tests.benchmarks.option_folders import KILLED, make_run


def lines(out: Path, commit: str | None = "abc1234") -> dict[str, tuple[str, ...]]:
    """Label and values as a page shows them."""
    return dict(condition_lines(json.loads(json.dumps(conditions(read_runs(out), commit)))))


def test_what_all_share_is_told_once_and_what_differs_with_its_options(tmp_path: Path) -> None:
    """GIVEN options of two modes THEN their readers are one line, and their settings one each, with who had them."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    make_run(tmp_path, "balance-500/live-2", KILLED, minute=1)
    make_run(tmp_path, "balance-500/cached-1", minute=2)
    found = lines(tmp_path)
    assert found["Readers"][0].startswith("32 at pace 1 ")
    assert found["Server settings"] == ("ALIGNERS=0: live", "ALIGNERS=1: cached")
    assert found["Speech upstream"] == ("the project's own stand-in (espeak-ng), answers after 2-5 s",)
    assert found["Commit"] == ("abc1234",)


def test_the_times_and_the_crowd_are_told(tmp_path: Path) -> None:
    """GIVEN two runs at once and one after them THEN from when to when, and that they were two at most."""
    for name, minute in (("balance-500/live-1", 0.0), ("balance-500/live-2", 0.5), ("balance-5/live-1", 5)):
        make_run(tmp_path, name, minute=minute)
    found = lines(tmp_path)
    assert found["Measured"] == ("2026-11-23T01:00:00+00:00 to 2026-11-23T01:06:00+00:00",)
    assert found["Runs at once"] == ("at most 2",)
    assert {"Heap", "Budget"} & found.keys() == set()


def test_what_no_run_says_is_unknown(tmp_path: Path) -> None:
    """GIVEN a run without times, machine or versions, outside any repository THEN nothing is made up."""
    folder = make_run(tmp_path, "balance-500/live-1")
    (folder / "run.json").write_text("{}")
    value = conditions(read_runs(tmp_path))
    assert (value["machine"], value["versions"], value["from"], value["commits"]) == (
        {},
        {},
        None,
        ["unknown"],
    )
    assert value["most_runs_at_once"] == 0
