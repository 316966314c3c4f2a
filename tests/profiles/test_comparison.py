from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.comparison import ComparisonError, compare, save_comparison
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord

MakeRun = Callable[..., Path]


def test_the_file_holds_the_verdicts_as_they_were_written(make_run: MakeRun, tmp_path: Path) -> None:
    """What the judge wrote is what a program reads; none is invented."""
    folder = make_run("live")
    save_comparison(compare([RunFolder(folder)]), tmp_path / "comparison.json")
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert not list(tmp_path.glob("*.tmp"))
    assert saved["scenarios"] == [json.loads((folder / "verdict.json").read_text())]
    assert saved["machine"]["cpu_model"] == "Invented CPU"
    assert saved["created_at"].endswith("+00:00")


def test_the_synthetic_verdict_has_the_fields_of_a_real_one(make_run: MakeRun) -> None:
    """No test here rests on a field that no judge writes."""
    synthetic = json.loads((make_run("cached") / "verdict.json").read_text())
    assert set(synthetic) == set(VerdictRecord.model_fields)


def test_a_verdict_of_an_older_judge_can_be_reported(make_run: MakeRun) -> None:
    """Only the scenario and its verdict are needed; the rest is not known."""
    folder = make_run("live")
    (folder / "verdict.json").write_text('{"scenario": "live", "verdict": "crashed"}')
    (outcome,) = compare([RunFolder(folder)]).outcomes
    assert (outcome.verdict, outcome.peak_vm_mb, outcome.met) == ("crashed", None, None)


def test_a_run_without_verdict_is_refused(make_run: MakeRun) -> None:
    """A run that nobody judged is not reported, and the message says so."""
    folder = make_run("live")
    (folder / "verdict.json").unlink()
    with pytest.raises(ComparisonError, match=r"has no verdict\.json"):
        compare([RunFolder(folder)])


def test_a_wrong_value_is_named(make_run: MakeRun) -> None:
    """The message names the file and the key."""
    folder = make_run("live", peak_vm_mb="a lot")
    with pytest.raises(ComparisonError, match=r"verdict\.json: peak_vm_mb: "):
        compare([RunFolder(folder)])
