"""What keeps a scenario from passing though no figure is worse: other work, lost runs, one side tried more often."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiles.gate.outcome import GateRun
from profiles.rules import unmet as unmet_lines
from profiles.scenario import load_scenario
from tests.profiles.gate.samples import decided, died, of, runs, unmet

FALLBACKS = "expected fallbacks = 0, found 480"
EXPECTED = {"verdict": "survived", "peak_tree_rss_mb_below": 2048.0, "fallbacks": 0}
VALUES = {"verdict": "survived", "stalls": 0, "fallbacks": 0, "server_kills": 0, "peak_tree_rss_mb": 200.0}


@pytest.mark.parametrize("base", [runs(), None])
def test_a_head_that_did_something_else_does_not_pass(base: tuple[GateRun, ...] | None) -> None:
    """GIVEN a run of head with fallbacks that nobody expects THEN it is not compared, and nothing passes."""
    decision = decided(runs(6) + unmet(1, FALLBACKS), base)
    assert decision.word == "inconclusive"
    assert "1 of 7 runs of head did not show what the scenario expects" in decision.reason
    assert len(of(decision).head) == 6
    assert f"head: 1 of 7 runs was not as expected and not compared ({FALLBACKS})" in decision.notes
    assert any("what the scenario expects" in line for line in decision.ways_out)


def test_a_head_that_always_did_something_else_measured_nothing() -> None:
    """GIVEN a head all of whose runs did something else, with less memory THEN it is invalid, and says why."""
    decision = decided(unmet(6, FALLBACKS), runs(steady_rss_mb=50.0))
    assert decision.word == "invalid"
    assert decision.reason.endswith("6 of 6 runs of head did not show what the scenario expects")


def test_a_base_that_did_something_else_is_left_out() -> None:
    """GIVEN one such run of base THEN the others are compared; all such THEN the scenario is invalid."""
    decision = decided(runs(), runs(6) + unmet(1, FALLBACKS))
    assert (decision.word, len(of(decision).base)) == ("pass", 6)
    assert decision.notes == (f"base: 1 of 7 runs was not as expected and not compared ({FALLBACKS})",)
    assert decided(runs(), unmet(6)).word == "invalid"


def test_a_regression_is_one_whatever_another_run_did() -> None:
    """GIVEN a rise in six runs of head, and a seventh that did something else THEN it regressed."""
    assert decided(runs(6, steady_rss_mb=20.0) + unmet(1, FALLBACKS)).word == "regressed"


def test_too_large_a_tree_is_the_budgets_matter() -> None:
    """GIVEN runs unmet for the tree's peak alone, as a verdict says it THEN they are compared, and the budget decides.

    Where the peak is not the only thing, they did something else.
    """
    over = unmet_lines(EXPECTED, {**VALUES, "peak_tree_rss_mb": 2100.0})
    decision = decided(unmet(6, *over), budget_mb=141.0)
    assert decision.word == "regressed"
    assert decision.reason.startswith("budget not kept: peak RSS of the process tree")
    assert len(of(decision).head) == 6
    assert decision.notes == ()
    both = unmet_lines(EXPECTED, {**VALUES, "peak_tree_rss_mb": 2100.0, "fallbacks": 480})
    assert of(decided(runs() + unmet(1, *both))).head == of(decided(runs())).head


def test_a_base_that_was_too_large_can_be_compared_with() -> None:
    """GIVEN a base over its own limit and a head that is not THEN an improvement is a pass."""
    base = tuple(
        replace(run, met=False, evidence=("expected peak_tree_rss_mb_below = 150, found 160.0",))
        for run in runs(peak_tree_rss_mb=20.0)
    )
    assert decided(runs(), base, budget_mb=150.0).word == "pass"


def test_a_busy_machine_makes_no_gate_scenario_unmet() -> None:
    """GIVEN the gate's own scenario THEN nothing that waits for a CPU is among what it expects."""
    expected = load_scenario("gate-cached").expect.model_dump(exclude_unset=True)
    assert set(expected) == {"verdict", "peak_tree_rss_mb_below", "fallbacks"}


def test_first_tries_are_told() -> None:
    """GIVEN runs of both sides that took the place of others THEN how many, and why, is noted and kept; it passes."""
    first = died(2, "unhealthy", "silence") + died(1, "invalid")
    base = died(1, "killed", "by hand")
    decision = decided(runs(), base_retried=base, head_retried=first)
    assert decision.word == "pass"
    assert decision.notes == (
        "base: 1 of 6 runs was killed at its first try and tried again (by hand)",
        "head: 1 of 6 runs was invalid at its first try and tried again",
        "head: 2 of 6 runs were unhealthy at their first try and tried again (silence)",
    )
    assert (decision.base_retried, decision.head_retried) == (base, first)


@pytest.mark.parametrize(
    ("base", "head", "word"),
    [(0, 2, "pass"), (1, 3, "pass"), (0, 3, "inconclusive"), (1, 4, "inconclusive"), (4, 1, "inconclusive")],
)
def test_a_side_that_was_tried_again_more_often_was_not_measured_alike(
    base: int, head: int, word: str
) -> None:
    """GIVEN three second tries more on one side THEN it does not pass; with two more it may be chance."""
    decision = decided(runs(), base_retried=died(base, "unhealthy"), head_retried=died(head, "unhealthy"))
    assert decision.word == word
    if word == "inconclusive":
        assert f"tried again: {head} of head, {base} of base" in decision.reason
        assert any("tried again" in line for line in decision.ways_out)


def test_second_tries_are_held_against_a_stored_baseline_too() -> None:
    """GIVEN a baseline, which remembers no first tries THEN three of head are enough, and that is said."""
    decision = decided(runs(), head_retried=died(3, "unhealthy"))
    assert decision.word == "inconclusive"
    assert "3 of head, of base it is not known" in decision.reason


def test_without_a_base_no_side_was_tried_more_often() -> None:
    """GIVEN nothing to compare with THEN first tries are told, and the budget decides."""
    decision = decided(runs(), None, head_retried=died(3, "unhealthy"))
    assert decision.word == "pass"
    assert len(decision.notes) == 2


def test_a_kill_at_a_first_try_is_not_forgotten() -> None:
    """GIVEN a first try killed for memory before its load, and a second that survived THEN it regressed."""
    killed = tuple(replace(run, oom_kills=2) for run in died(1, "invalid", "the load never ended"))
    decision = decided(runs(), head_retried=killed)
    assert decision.word == "regressed"
    assert decision.reason == (
        "budget not kept: processes of head were killed for memory in 1 invalid first try"
    )


def test_a_kill_in_an_invalid_run_is_a_regression_even_if_all_are_invalid() -> None:
    """GIVEN a head killed for memory before its load, once or always THEN it regressed, in plain words."""
    killed = tuple(replace(run, oom_kills=1) for run in died(6, "invalid", "the load never ended"))
    some, every = decided(runs(6) + killed[:1]), decided(killed)
    assert (some.word, every.word) == ("regressed", "regressed")
    assert "processes of head were killed for memory in 1 invalid run" in some.reason
    assert "processes of head were killed for memory in 6 invalid runs" in every.reason


def test_an_invalid_run_of_head_that_is_left_is_no_pass() -> None:
    """GIVEN a run of head that measured nothing, tried twice THEN whether the budget is kept is not known."""
    decision = decided(runs(6) + died(1, "invalid", "the load broke"))
    assert decision.word == "inconclusive"
    assert decision.reason == "whether the budget is kept is not known"
    assert any("busy" in line for line in decision.ways_out)


def test_beside_another_revision_nobody_is_told_to_store_a_baseline() -> None:
    """GIVEN a revision to compare with THEN a rise, a gain and a dead base lead to no advice about baselines."""
    risen = decided(runs(steady_rss_mb=20.0), against=True)
    assert "merge" in risen.ways_out[0]
    better = decided(runs(steady_rss_mb=-9.0), against=True)
    alone = decided(runs(), died(6), against=True)
    assert (better.word, alone.word) == ("pass", "pass")
    assert (better.ways_out, alone.ways_out) == ((), ())
    assert "baseline" not in " ".join(risen.ways_out)
    assert "baseline" in decided(runs(steady_rss_mb=20.0)).ways_out[0]
