"""A gate's outcome as JUnit's XML, which every CI shows: a test suite a scenario, a test a metric, one the budget.

The attributes and their order are those that Jenkins' `junit-10.xsd` and the readers of GitHub's actions share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from profiles.gate.outcome import GateOutcome, MetricDecision, MetricWord, ScenarioDecision, Word
from profiles.gate.report_rows import condition_rows
from profiles.gate.report_text import (
    budget_title,
    figure,
    headline,
    medians,
    notes,
    printable,
    shift_within,
    sides,
    smallest_effect,
)

JUNIT_FILE = "junit.xml"
Result = Literal["passed", "failure", "error", "skipped"]
_OF_WORD: dict[Word, Result] = {
    "pass": "passed", "regressed": "failure", "inconclusive": "error", "invalid": "error",
}  # fmt: skip
_OF_METRIC: dict[MetricWord, Result] = {
    "pass": "passed", "regressed": "failure", "inconclusive": "error",
    "information": "skipped", "unmeasured": "skipped",
}  # fmt: skip


@dataclass(frozen=True)
class _Case:
    name: str
    result: Result
    kind: str
    message: str
    lines: tuple[str, ...]


def save_junit(outcome: GateOutcome, out: Path) -> Path:
    """Write `junit.xml` into `out` and return its path.

    Raises:
        OSError: it cannot be written.
    """
    path = out / JUNIT_FILE
    path.write_bytes(junit_xml(outcome))
    return path


def junit_xml(outcome: GateOutcome) -> bytes:
    """Return the outcome as XML: what regressed failed, what could not be told or measured is an error."""
    suites = [(decision, _cases(decision)) for decision in outcome.scenarios]
    every = [case for _, cases in suites for case in cases]
    root = ET.Element(
        "testsuites", {"name": "oomproof gate", "time": _seconds(outcome.took_s), **_counts(every)}
    )
    ran_s = sum(_ran_s(decision) for decision in outcome.scenarios)
    for decision, cases in suites:
        share = _ran_s(decision) / ran_s if ran_s else 1 / len(suites)
        root.append(_suite(outcome, decision, cases, outcome.took_s * share))
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(
    outcome: GateOutcome, decision: ScenarioDecision, cases: Sequence[_Case], took_s: float
) -> ET.Element:
    name = printable(decision.scenario)
    attributes = {
        "name": name,
        **_counts(cases),
        "skipped": _count(cases, "skipped"),
        "time": _seconds(took_s),
    }
    suite = ET.Element("testsuite", {**attributes, "timestamp": printable(outcome.created_at)[:19]})
    properties = ET.SubElement(suite, "properties")
    for label, value in (("sides", sides(outcome)), *condition_rows(outcome.conditions)):
        ET.SubElement(properties, "property", {"name": label, "value": value})
    for case in cases:  # the runs of a scenario measure all of its metrics at once: each has an equal part
        suite.append(_element(case, f"oomproof.gate.{name}", took_s / len(cases)))
    ET.SubElement(suite, "system-out").text = _text(
        [
            f"{decision.word}: {decision.reason}",
            *notes(decision),
            *decision.ways_out,
            f"The gate: {headline(outcome)}",
        ]
    )
    return suite


def _element(case: _Case, classname: str, time_s: float) -> ET.Element:
    element = ET.Element("testcase", {"name": case.name, "classname": classname, "time": _seconds(time_s)})
    if case.result != "passed":
        about = {"type": case.kind, "message": printable(case.message)}
        ET.SubElement(element, case.result, about).text = _text([case.message, *case.lines])
    else:
        ET.SubElement(element, "system-out").text = _text([case.message, *case.lines])
    return element


def _cases(decision: ScenarioDecision) -> list[_Case]:
    """A case a metric, and the budget's, which also says what no other case does: a scenario's word is never lost."""
    cases = [_metric(found, decision.word) for found in decision.metrics]
    budget, wanted = decision.budget, _OF_WORD[decision.word]
    result: Result = "passed" if budget.kept else "error" if budget.unknown else "failure"
    if wanted not in ("passed", result, *(case.result for case in cases)):
        result = wanted
    title = budget_title(budget)
    if result == "passed":
        return [*cases, _Case("budget", result, "pass", title, budget.lines)]
    return [*cases, _Case("budget", result, decision.word, decision.reason, (title, *budget.lines))]


def _metric(found: MetricDecision, scenario: Word) -> _Case:
    outcome = _OF_METRIC[found.word]
    if found.word == "unmeasured" and found.metric.judged and scenario == "inconclusive":
        outcome = "error"  # its lack is why the scenario cannot be told
    return _Case(
        found.metric.title, outcome, found.word, f"{found.word}: {found.reason}", tuple(_figures(found))
    )


def _figures(found: MetricDecision) -> Iterator[str]:
    unit = found.metric.unit
    yield f"medians: {medians(found)}"
    yield f"shift: {shift_within(found, unit)}, smallest that matters {smallest_effect(found)}"
    if found.p is not None:
        yield f"p, corrected: {found.p:.4g}"
    for side, values in (("base", found.base), ("head", found.head)):
        yield f"{side}, each run: {', '.join(map(figure, values)) or 'nothing'}"


def _ran_s(decision: ScenarioDecision) -> float:
    return sum(run.duration_s or 0.0 for run in (*decision.base_runs, *decision.head_runs) if run.folder)


def _counts(cases: Sequence[_Case]) -> dict[str, str]:
    return {"tests": str(len(cases)), "failures": _count(cases, "failure"), "errors": _count(cases, "error")}


def _count(cases: Sequence[_Case], result: Result) -> str:
    return str(Counter(case.result for case in cases)[result])


def _seconds(value: float) -> str:
    return f"{max(0.0, value):.3f}"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(map(printable, lines))
