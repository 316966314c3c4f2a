"""gate.json holds everything that was found, and is JSON that every reader takes."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from profiles.gate.metrics import Metric
from profiles.gate.outcome import (
    BudgetCheck,
    GateOutcome,
    GateRun,
    MetricDecision,
    ScenarioDecision,
    Side,
)
from profiles.gate.result_json import FORMAT, result, save_result
from tests.profiles.gate import outcomes


def saved(outcome: GateOutcome, out: Path) -> Any:
    """What a strict reader finds in gate.json."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(save_result(outcome, out).read_text(encoding="utf-8"), parse_constant=refuse)


def test_everything_of_an_outcome_is_in_it(tmp_path: Path) -> None:
    """GIVEN an outcome THEN every field of every part of it is a key, beside format, word and exit code."""
    found = saved(outcomes.everything(), tmp_path)
    decided = found["scenarios"][0]
    for part, kind in (
        (found, GateOutcome),
        (found["head"], Side),
        (found["base"], Side),
        (decided, ScenarioDecision),
        (decided["budget"], BudgetCheck),
        (decided["metrics"][0], MetricDecision),
        (decided["metrics"][0]["metric"], Metric),
        (decided["head_runs"][0], GateRun),
    ):
        assert {field.name for field in fields(kind)} <= part.keys()
    assert (found["format"], found["word"], found["exit_code"]) == (FORMAT, "regressed", 1)
    assert [one["word"] for one in found["scenarios"]] == ["regressed", "invalid", "inconclusive", "pass"]
    assert decided["metrics"][0]["base"] == list(outcomes.metric("peak_tree_rss_mb").base)
    assert decided["head_runs"][0]["curve"][0] == list(outcomes.runs("head", 11.9)[0].curve[0])


def test_what_is_infinite_or_unknown_is_null(tmp_path: Path) -> None:
    """GIVEN an interval without an end, a figure that is no number, and no base THEN each is null."""
    open_ended = outcomes.metric("peak_anon_mb", "inconclusive", low=float("-inf"), high=float("inf"))
    run = outcomes.run("head", 1, host_psi_some=float("nan"))
    outcome = outcomes.outcome(outcomes.scenario(metrics=(open_ended,), head_runs=(run,)), base=None)
    found = saved(outcome, tmp_path)
    decided = found["scenarios"][0]
    assert (decided["metrics"][0]["low"], decided["metrics"][0]["high"], found["base"]) == (None, None, None)
    assert decided["head_runs"][0]["host_psi_some"] is None


def test_folders_are_named_from_where_the_file_lies() -> None:
    """GIVEN a run below the report and one that a baseline remembers THEN a relative path, and null."""
    head = outcomes.run("head", 1, folder=Path("/out/gate-cached/head-1"))
    base = outcomes.run("base", 1, folder=None)
    decided = outcomes.outcome(outcomes.scenario(base_runs=(base,), head_runs=(head,)))
    (found,) = result(decided, Path("/out"))["scenarios"]
    assert (found["head_runs"][0]["folder"], found["base_runs"][0]["folder"]) == ("gate-cached/head-1", None)


class _Model(BaseModel):
    cpus: int = 2


def test_conditions_of_any_shape_are_kept(tmp_path: Path) -> None:
    """GIVEN conditions that are models, sets and complex things THEN they become what JSON has."""
    conditions: dict[str, object] = {"model": _Model(), "names": {"a"}, "out": tmp_path, "odd": 1j, 7: True}  # type: ignore[dict-item]  # a key that is no text
    found = saved(outcomes.outcome(conditions=conditions), tmp_path)["conditions"]
    assert found == {"model": {"cpus": 2}, "names": ["a"], "out": ".", "odd": "1j", "7": True}


def test_hostile_text_comes_back_as_it_was(tmp_path: Path) -> None:
    """GIVEN control characters and half of a surrogate pair in a note THEN a reader gets just these."""
    note = 'a "note"\x00\x1b[31m \udc80 日本\n</script>'
    found = saved(outcomes.outcome(outcomes.scenario(notes=(note,))), tmp_path)
    assert found["scenarios"][0]["notes"] == [note]


def test_no_reader_finds_half_of_it(tmp_path: Path) -> None:
    """GIVEN an earlier result THEN it is replaced as a whole, and nothing is left beside it."""
    save_result(outcomes.everything(), tmp_path)
    save_result(outcomes.outcome(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gate.json"]
    assert json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))["word"] == "pass"


def test_a_folder_that_is_none_is_the_callers_to_tell(tmp_path: Path) -> None:
    """GIVEN no such folder THEN the error says so, and is not swallowed."""
    with pytest.raises(FileNotFoundError):
        save_result(outcomes.outcome(), tmp_path / "none")
