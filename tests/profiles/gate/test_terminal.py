"""What a gate prints is read in 80 columns of a log without colour, and ends with the verdict."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from profiles.gate.outcome import GateOutcome
from profiles.gate.terminal import print_gate
from tests.profiles.gate import outcomes


def printed(outcome: GateOutcome, columns: int = 80) -> list[str]:
    """The lines that a log gets."""
    out = io.StringIO()
    print_gate(outcome, Console(file=out, width=columns))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def large() -> GateOutcome:
    """An outcome whose figures have as many digits as any will."""
    metrics = tuple(
        replace(
            one, base=(1981.0,), head=(3981.0,), shift=2000.0, low=-1900.0, high=3000.0, word="inconclusive"
        )
        for one in outcomes.metrics()
    )
    return outcomes.outcome(outcomes.scenario("inconclusive", metrics=metrics))


@pytest.mark.parametrize(
    "outcome",
    [outcomes.everything(), outcomes.outcome(outcomes.died()), large(), outcomes.outcome(scenarios=())],
)
def test_nothing_is_wider_than_80_columns(outcome: GateOutcome) -> None:
    """GIVEN any outcome THEN no line is broken by a terminal of 80 columns."""
    assert max(map(len, printed(outcome))) <= 80


def test_a_metric_is_one_line() -> None:
    """GIVEN a regression THEN medians, shift with interval and the word stand on one line each."""
    lines = printed(outcomes.outcome(outcomes.scenario("regressed")))
    assert "  peak tree RSS    81.3 -> 93.2 MB      +11.9 (+11.5 to +12.3)  regressed" in lines
    assert "  growth/session   3.0 -> 3.2 KiB       +0.1 (-0.3 to +0.5)     pass" in lines
    assert "  peak RSS of the process tree: regressed, a rise of 8 MB matters" in lines
    assert sum("1,981 -> 3,981" in line and "inconclusive" in line for line in printed(large())) == 5


@pytest.mark.parametrize(
    ("outcome", "last"),
    [
        (outcomes.outcome(), "pass: gate-cached (exit code 0)"),
        (outcomes.everything(), "regressed: gate-regressed (exit code 1)"),
        (outcomes.outcome(outcomes.scenario("inconclusive")), "inconclusive: gate-cached (exit code 3)"),
        (outcomes.outcome(outcomes.scenario("invalid")), "invalid: gate-cached (exit code 4)"),
        (
            outcomes.without_base(),
            "pass: gate-cached. NOTHING WAS COMPARED: only the budget was checked (exit code 0)",
        ),
        (outcomes.outcome(scenarios=()), "invalid: nothing was measured (exit code 4)"),
    ],
)
def test_the_last_line_is_the_verdict(outcome: GateOutcome, last: str) -> None:
    """GIVEN an outcome THEN the last line says its word, whose it is, and the exit code, unbroken."""
    assert printed(outcome)[-1] == last
    assert printed(outcome, columns=40)[-1] == last


def test_budget_notes_and_ways_out_are_told() -> None:
    """GIVEN a broken budget, a note and a way out THEN each has its line."""
    text = "\n".join(
        printed(outcomes.outcome(outcomes.died(), outcomes.scenario("inconclusive", notes=("odd",))))
    )
    assert "Budget: NOT kept\n    4 of 6 valid runs of head survived (2 oom_killed): not kept" in text
    assert "\n  Note: odd\n" in text
    assert "\n  What to do: `--runs 12`: about as many would tell" in text


def test_nobodys_terminal_is_driven_by_a_note() -> None:
    """GIVEN escape sequences and rich's own markup in every text THEN they are shown, and not obeyed."""
    bad = "\x1b[2J[bold]x[/bold]\x07"
    decision = outcomes.scenario(
        "inconclusive", scenario=bad, reason=bad, notes=(f"note {bad}",), ways_out=(bad,), metrics=()
    )
    text = "\n".join(printed(outcomes.outcome(decision, base=None)))
    assert "\x1b" not in text
    assert "Note: note \\x1b[2J[bold]x[/bold]\\x07" in text
