"""The words of a gate's report say what was found, and nothing that a note smuggles in."""

from __future__ import annotations

import pytest

from profiles.gate.metrics import BY_NAME, Metric
from profiles.gate.outcome import GateOutcome, ScenarioDecision
from profiles.gate.report_text import (
    budget_title,
    compared,
    figure,
    headline,
    interval,
    medians,
    notes,
    printable,
    shift,
    shift_within,
    short_title,
    sides,
    smallest_effect,
    told,
)
from tests.profiles.gate import outcomes


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain words", "plain words"),
        ("two\nlines\tand\r\nmore", "two lines and more"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("nul\x00 and \ufffe", "nul\\x00 and \\ufffe"),
        ("half a pair \udc80", "half a pair \\udc80"),
        ("turned \u202eround", "turned \\u202eround"),
        ("ümläut 日本", "ümläut 日本"),
    ],
)
def test_every_character_of_a_text_can_be_seen(text: str, seen: str) -> None:
    """GIVEN control characters THEN they stand as what they are, on one line."""
    assert printable(text) == seen


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (outcomes.outcome(), "pass: gate-cached"),
        (outcomes.everything(), "regressed: gate-regressed"),
        (
            outcomes.without_base(),
            "pass: gate-cached. NOTHING WAS COMPARED: only the budget was checked",
        ),
        (outcomes.outcome(scenarios=()), "invalid: nothing was measured"),
        (outcomes.outcome(outcomes.scenario("invalid")), "invalid: gate-cached"),
        (
            outcomes.outcome(
                outcomes.scenario(scenario="one"),
                outcomes.scenario(scenario="two", metrics=outcomes.without_base().scenarios[0].metrics),
            ),
            "pass: one, two. NOTHING WAS COMPARED: only the budget was checked in two",
        ),
    ],
)
def test_the_headline_is_the_verdict_and_what_it_rests_on(outcome: GateOutcome, line: str) -> None:
    """GIVEN an outcome THEN its word, its scenarios, and loudly that nothing was compared."""
    assert headline(outcome) == line


def test_what_was_compared_with_what() -> None:
    """GIVEN both sides or one THEN they are described."""
    assert (
        sides(outcomes.outcome()) == "head (fc060ac with changes not committed) compared with base (a32e9ed)"
    )
    assert sides(outcomes.without_base()) == "head (fc060ac with changes not committed), without a base"
    assert not compared(outcomes.without_base().scenarios[0])


def test_a_metric_that_nobody_knows_has_its_title() -> None:
    """GIVEN a metric without a short name THEN its title stands there."""
    assert short_title(BY_NAME["peak_tree_rss_mb"]) == "peak tree RSS"
    assert short_title(Metric("open_files", "open files", "")) == "open files"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (81.44, "81.4 MB"), (1310.5, "1,310 MB"), (-0.01, "0.0 MB")],  # noqa: RUF001
)
def test_a_figure_has_as_many_digits_as_it_deserves(value: float | None, text: str) -> None:
    """GIVEN a value THEN one digit behind the point, of a large one none, of none a dash."""
    assert figure(value, "MB") == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (9.8, 14.0, "+9.8 to +14.0 MB"),
        (9.8, None, "at least +9.8 MB"),
        (9.8, float("inf"), "at least +9.8 MB"),
        (float("-inf"), -1.0, "at most -1.0 MB"),
        (None, None, "unknown"),
    ],
)
def test_an_interval_that_is_open_says_its_other_end(
    low: float | None, high: float | None, text: str
) -> None:
    """GIVEN an interval THEN both ends, or the one that is known."""
    assert interval(outcomes.metric("peak_anon_mb", low=low, high=high), "MB") == text


def test_a_shift_stands_with_its_interval_where_there_is_one() -> None:
    """GIVEN a shift THEN sign and interval; without one, that it is unknown."""
    risen = outcomes.metric("peak_anon_mb", "regressed", 11.9)
    assert shift_within(risen) == "+11.9 (+11.5 to +12.3)"
    assert medians(risen) == "73.1 -> 85.0 MB"
    unmeasured = outcomes.metric("peak_anon_mb", "unmeasured")
    assert shift_within(unmeasured) == "unknown"
    assert shift(unmeasured, "MB") == "unknown"
    assert medians(unmeasured) == "– -> –"  # noqa: RUF001


def test_only_a_judged_metric_has_a_smallest_effect() -> None:
    """GIVEN latency, which decides nothing THEN no rise of it is said to matter."""
    assert smallest_effect(outcomes.metric("peak_anon_mb")) == "8.0 MB"
    assert smallest_effect(outcomes.metric("chunk_p95_ms")) == "–"  # noqa: RUF001


def test_reasons_are_told_of_what_did_not_pass_and_of_small_proven_rises() -> None:
    """GIVEN metrics THEN those a hurried reader needs; a sure rise that does not matter is not hidden."""
    small = outcomes.metric("peak_anon_mb", low=0.1)
    found = (outcomes.metric("peak_tree_rss_mb"), small, outcomes.metric("steady_rss_mb", "inconclusive"))
    names = [one.metric.name for one in told(outcomes.scenario(metrics=found))]
    assert names == ["peak_anon_mb", "steady_rss_mb"]
    assert told(outcomes.without_base().scenarios[0]) == []


def test_a_note_that_the_reason_tells_is_not_told_twice() -> None:
    """GIVEN a note that stands in the reason THEN only the others are left."""
    (decision,) = outcomes.without_base().scenarios
    assert notes(decision) == []
    assert notes(outcomes.scenario(notes=("something else",))) == ["something else"]


@pytest.mark.parametrize(
    ("decision", "title"),
    [
        (outcomes.scenario(), "Budget: kept"),
        (outcomes.died(), "Budget: NOT kept"),
        (outcomes.scenario("invalid"), "Budget: not known to be kept"),
    ],
)
def test_a_budget_is_kept_broken_or_not_known(decision: ScenarioDecision, title: str) -> None:
    """GIVEN a budget check THEN what was not measured is neither."""
    assert budget_title(decision.budget) == title
