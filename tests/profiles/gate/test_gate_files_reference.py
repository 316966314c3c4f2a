"""docs/reference/gate-files.md names what a gate writes: no more, no less."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from profiles.gate.heap_command import FILE as HEAPS_FILE
from profiles.gate.metrics import Metric
from profiles.gate.outcome import (
    EXIT_CODES,
    BudgetCheck,
    GateRun,
    MetricDecision,
    MetricWord,
    ScenarioDecision,
    Side,
)
from profiles.gate.report import write_gate_report
from profiles.gate.result_json import result
from tests.profiles.gate import outcomes

OUTCOME = outcomes.outcome(outcomes.scenario("regressed"))
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "gate-files.md"


def rows(heading: str) -> dict[str, str]:
    """What the table below a heading says of each name in its first cells."""
    section = re.split(r"^#+ ", PAGE.read_text("utf-8").split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    found = re.findall(r"^\| (`[^|]*`) \| (.*) \|$", section, re.MULTILINE)
    return {name: text for names, text in found for name in re.findall(r"`([^`]+)`", names)}


def names(kind: type) -> set[str]:
    """The fields of a dataclass."""
    return {field.name for field in fields(kind)}


@pytest.mark.parametrize(
    ("heading", "kind"), [("A scenario", ScenarioDecision), ("A metric", MetricDecision), ("A run", GateRun)]
)
def test_every_field_is_on_the_page(heading: str, kind: type) -> None:
    """GIVEN what a list of gate.json holds THEN its table names the same fields."""
    assert set(rows(heading)) == names(kind)


def test_every_field_of_the_file_itself_is_on_the_page(tmp_path: Path) -> None:
    """GIVEN a gate's result THEN the table of gate.json names its keys, and those of what it holds are named beside."""
    assert set(rows("gate.json")) == set(result(OUTCOME, tmp_path))
    beside = {
        rows("gate.json")["base"]: Side,
        rows("A scenario")["budget"]: BudgetCheck,
        rows("A metric")["metric"]: Metric,
    }
    for text, kind in beside.items():
        assert names(kind) <= set(re.findall(r"`(\w+)`", text)), kind


def test_every_word_is_on_the_page() -> None:
    """GIVEN the words of a gate with their exit codes, and of a metric THEN the page has them."""
    assert all(f"`{word}` {code}" in rows("gate.json")["word"] for word, code in EXIT_CODES.items())
    assert set(re.findall(r"`(\w+)`", rows("A metric")["word"])) == set(get_args(MetricWord))


def test_every_file_is_on_the_page(tmp_path: Path) -> None:
    """GIVEN a gate that did not pass WHEN its report is written THEN the page names each file."""
    written = {path.name for path in write_gate_report(OUTCOME, tmp_path, always=True)}
    (scenario,) = {decision.scenario for decision in OUTCOME.scenarios}
    named = {name.replace("SCENARIO", scenario) for name in rows("What a gate writes")}
    pictures = {f"memory-{scenario}{kind}" for kind in (".svg", ".png")}
    assert pictures <= written
    assert {f"memory-{scenario}.svg", ".png"} <= named
    assert written - pictures | {HEAPS_FILE} <= named
