from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.comparison import ComparisonError, Outcome, compare, load_comparison, save_comparison
from profiles.run_folder import RunFolder
from profiles.verdict import VerdictRecord

MakeRun = Callable[..., Path]


def test_saved_and_loaded_is_the_same(synthetic_runs: list[Path], tmp_path: Path) -> None:
    """Nothing of a comparison is lost on disk."""
    comparison = compare([RunFolder(folder) for folder in synthetic_runs])
    save_comparison(comparison, tmp_path / "comparison.json")
    assert load_comparison(tmp_path / "comparison.json") == comparison
    assert not list(tmp_path.glob("*.tmp"))


def test_the_file_holds_the_verdicts_as_they_were_written(make_run: MakeRun, tmp_path: Path) -> None:
    """A field that this version does not know passes through, and none is invented."""
    folder = make_run("live", from_a_later_version={"x": 1})
    save_comparison(compare([RunFolder(folder)]), tmp_path / "comparison.json")
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert saved["scenarios"] == [json.loads((folder / "verdict.json").read_text())]
    assert saved["machine"]["cpu_model"] == "Invented CPU"
    assert saved["created_at"].endswith("+00:00")


def test_an_outcome_reads_only_what_a_verdict_holds() -> None:
    """Every field that a report reads is one that the judge writes."""
    written = {field.name for field in dataclasses.fields(VerdictRecord)}
    assert set(Outcome.model_fields) <= written


def test_the_synthetic_verdict_has_the_fields_of_a_real_one(make_run: MakeRun) -> None:
    """No test here rests on a field that no judge writes."""
    synthetic = json.loads((make_run("cached") / "verdict.json").read_text())
    assert set(synthetic) == {field.name for field in dataclasses.fields(VerdictRecord)}


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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scenarios": 3, "created_at": ""}'])
def test_a_file_that_is_no_comparison_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, the error is one line that says what to give."""
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(ComparisonError, match="is no comparison"):
        load_comparison(tmp_path / "comparison.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(ComparisonError, match=r"none\.json: No such file"):
        load_comparison(tmp_path / "none.json")
