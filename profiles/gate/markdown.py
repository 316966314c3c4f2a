"""A gate's outcome as Markdown, for a pull request and for `gate.md`: the verdict first, every run's figures last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import median
from urllib.parse import quote

from profiles.gate.outcome import EXIT_CODES, GateOutcome, MetricDecision, MetricWord, ScenarioDecision
from profiles.gate.report_rows import condition_rows, run_rows
from profiles.gate.report_text import (
    budget_title,
    headline,
    interval,
    middle,
    notes,
    printable,
    shift,
    sides,
    smallest_effect,
    told,
)
from profiles.report_markdown import plain
from profiles.report_text import NONE, count, number

SIGNS: Mapping[str, str] = {"pass": "✔", "regressed": "✘", "inconclusive": "?", "invalid": "!"}
_COLUMNS = ("metric", "base", "head", "change", "interval", "smallest that matters", "verdict")
_MEDIANS = (
    "Base and head are medians of the runs. The change is the shift between them (Hodges-Lehmann), its interval that "
    "of the exact rank test at the level that is left when several metrics are tested."
)
_COMMAND = re.compile(r"\\`([^`\\]+)\\`")


def gate_markdown(outcome: GateOutcome, pictures: Mapping[str, Path] | None = None) -> str:
    """Return the outcome as GitHub-flavoured Markdown.

    Args:
        outcome: what the gate found.
        pictures: the picture of a scenario's memory, by the scenario's name; it must lie beside the Markdown.
    """
    parts = [
        f"## {SIGNS[outcome.word]} Memory gate: {_text(headline(outcome))}",
        f"{_text(sides(outcome))}. Exit code {outcome.exit_code}.",
    ]
    for decision in outcome.scenarios:
        parts += _scenario(decision, (pictures or {}).get(decision.scenario))
    parts += ["### Conditions", _items(_conditions(outcome)), _MEDIANS]
    parts += [
        _every_run(decision) for decision in outcome.scenarios if decision.base_runs or decision.head_runs
    ]
    return "\n\n".join(parts) + "\n"


def _scenario(decision: ScenarioDecision, picture: Path | None) -> Iterator[str]:
    yield f"### {SIGNS[decision.word]} {_text(decision.scenario)}: {decision.word}"
    yield f"**{_text(decision.reason)}**"
    if decision.metrics:
        rows = [_row(found) for found in decision.metrics]
        yield _table(("---", *("---:" for _ in _COLUMNS[2:]), "---"), [_COLUMNS, *rows])
    remarks = [_text(found.reason) for found in told(decision)]
    remarks += [f"**Note:** {_text(note)}" for note in notes(decision)]
    if remarks:
        yield _items(remarks)
    yield f"{budget_title(decision.budget)}\n\n{_items(map(_text, decision.budget.lines))}"
    if decision.ways_out:
        yield f"What to do:\n\n{_items(map(_with_commands, decision.ways_out))}"
    if picture is not None:
        yield f"![Memory of base and head over time, {_text(decision.scenario)}]({quote(picture.name)})"


def _row(found: MetricDecision) -> tuple[str, ...]:
    unit = found.metric.unit
    return (
        found.metric.title,
        middle(found.base, found.metric),
        middle(found.head, found.metric),
        shift(found, unit) + _share(found),
        interval(found, unit),
        smallest_effect(found),
        _verdict(found.word),
    )


def _share(found: MetricDecision) -> str:
    """The change as a share of base, where a share is a measure of it."""
    if found.shift is None or not found.metric.least_share or not found.base or median(found.base) <= 0:
        return ""
    return f" ({found.shift / median(found.base):+.1%})"


def _verdict(word: MetricWord) -> str:
    return f"{SIGNS[word]} {word}" if word in EXIT_CODES else word


def _conditions(outcome: GateOutcome) -> Iterator[str]:
    for decision in outcome.scenarios:
        of_base = count(len(decision.base_runs), "run", "runs")
        of_head = count(len(decision.head_runs), "run", "runs")
        yield f"{_text(decision.scenario)}: {of_base} of base, {of_head} of head"
    for label, value in condition_rows(outcome.conditions):
        yield f"{_text(label)}: {_text(value)}"
    yield f"made {_text(outcome.created_at) or NONE}, took {number(outcome.took_s, 's')}"


def _every_run(decision: ScenarioDecision) -> str:
    rows = list(run_rows(decision))
    table = _table(("---", "---", *("---:" for _ in rows[0][2:])), rows)
    name = escape(printable(decision.scenario)).replace("@", "&#64;<!-- -->")  # no Markdown is read in HTML
    return f"<details><summary>Every run of {name}</summary>\n\n{table}\n\n</details>"


def _table(rule: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(_text, row))} |" for row in rows]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def _items(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _with_commands(text: str) -> str:
    """Text in which a command between backticks is shown as one, where it is made of plain letters."""
    return _COMMAND.sub(r"`\1`", _text(text))


def _text(text: str) -> str:
    """Text that Markdown shows as it is, and that calls nobody: GitHub takes `@name` for somebody to be told."""
    return plain(printable(text)).replace("@", "@<!-- -->")
