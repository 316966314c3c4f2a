"""The gate's decision: every rule of it, and its words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from profiles.errors import OomproofError
from profiles.gate.decision import ScenarioRuns, decide
from profiles.gate.outcome import GateRun
from tests.profiles.gate.samples import decided, died, of, runs


def test_the_same_runs_pass() -> None:
    """GIVEN equal runs THEN every judged metric passes, p is 1 in all but chance, and nothing is left to do."""
    decision = decided(runs())
    assert decision.word == "pass"
    assert [one.word for one in decision.metrics] == ["pass"] * 4 + ["information"]
    assert decision.reason == "no metric rose by as much as matters, and the budget is kept"
    assert (decision.notes, decision.ways_out) == ((), ())
    assert of(decision).reason == (
        "steady RSS of the process tree: 66.5 -> 66.5 MB (+0.0 MB, at most 0.8; p 1): "
        "pass, no rise of the 8 MB that matter"
    )


def test_a_rise_is_a_regression() -> None:
    """GIVEN one metric risen by 8.3 MB THEN it regressed alone, and the reason has every figure."""
    decision = decided(runs(steady_rss_mb=8.3))
    assert decision.word == "regressed"
    assert decision.reason == "steady RSS of the process tree rose by 8.3 MB"
    assert Counter(one.word for one in decision.metrics) == {"regressed": 1, "pass": 3, "information": 1}
    steady = of(decision)
    assert steady.p == 4 / 924
    assert steady.low == pytest.approx(7.5)
    assert steady.reason == (
        "steady RSS of the process tree: 66.5 -> 74.8 MB (+8.3 MB, at least 7.5; p 0.0043): "
        "regressed, a rise of 8 MB matters"
    )
    assert "store a new baseline" in decision.ways_out[0]


@pytest.mark.parametrize(("rise", "word"), [(3.99, "pass"), (4.01, "regressed")])
def test_half_of_what_matters_decides(rise: float, word: str) -> None:
    """GIVEN a proven rise just below and just above half of 8 MB THEN it passes, and regresses; both say proven."""
    decision = decided(runs(apart=0.01, steady_rss_mb=rise), runs(apart=0.01))
    assert decision.word == word
    assert "proven" in of(decision).reason


def test_a_share_of_the_baseline_counts_where_it_is_larger() -> None:
    """GIVEN a baseline of 400 MB THEN 20 MB matter: a proven rise of 9 passes, one of 11 does not."""
    base = runs(apart=0.01, steady_rss_mb=334.0)
    passed = of(decided(runs(apart=0.01, steady_rss_mb=343.0), base))
    assert passed.word == "pass"
    assert passed.least == pytest.approx(20.0, abs=0.01)
    assert "20 MB (5 %)" in passed.reason
    assert of(decided(runs(apart=0.01, steady_rss_mb=345.0), base)).word == "regressed"


def test_better_passes_and_asks_for_a_new_baseline() -> None:
    """GIVEN a fall of 9 MB THEN it passes, says better, and a new baseline is asked for; of 1 MB it is not."""
    decision = decided(runs(steady_rss_mb=-9.0))
    assert decision.word == "pass"
    assert decision.reason.endswith("; steady RSS of the process tree fell by 9.0 MB")
    assert of(decision).reason.endswith("pass, better by 9.0 MB")
    assert decision.ways_out[0].startswith("Store a new baseline")
    assert decided(runs(apart=0.01, steady_rss_mb=-1.0)).ways_out == ()


def test_what_is_shown_for_information_never_decides() -> None:
    """GIVEN a latency ten times as long THEN the scenario passes; the latency has a shift and no p."""
    decision = decided(runs(chunk_p95_ms=300.0))
    latency = of(decision, "chunk_p95_ms")
    assert decision.word == "pass"
    assert (latency.word, latency.p, latency.shift) == ("information", None, 300.0)


def test_too_wide_a_spread_is_inconclusive() -> None:
    """GIVEN values 2 MB apart from run to run THEN a rise is neither proven nor ruled out; a number is advised."""
    decision = decided(runs(apart=1.0), runs(apart=1.0))
    assert decision.word == "pass"
    wide = decided(runs(apart=2.0), runs(apart=2.0))
    assert wide.word == "inconclusive"
    assert "may be there or not: peak RSS of the process tree, " in wide.reason
    assert "between -8.0 and 8.0" in of(wide).reason
    assert wide.ways_out[0].startswith("`--runs ")
    assert "about as many would tell" in wide.ways_out[0]
    assert wide.ways_out[1].startswith("A quieter machine")


def test_a_hopeless_spread_has_no_number() -> None:
    """GIVEN values 40 MB apart THEN no number of runs is promised to tell."""
    decision = decided(runs(apart=40.0), runs(apart=40.0))
    assert decision.word == "inconclusive"
    assert decision.ways_out[0].startswith("`--runs 12` may not be enough")


def test_a_small_proven_rise_that_may_matter_is_inconclusive() -> None:
    """GIVEN a proven rise, its middle below half of what matters and its upper end above THEN it is left open."""
    base = runs(apart=0.01)
    raised = [1.0, 1.0, 1.0, 1.0, 30.0, 30.0]
    head = tuple(
        replace(run, figures={**run.figures, "steady_rss_mb": 66.0 + by})
        for run, by in zip(base, raised, strict=True)
    )
    steady = of(decided(head, base))
    assert steady.word == "inconclusive"
    assert "a proven rise, which may be the 8 MB that matter" in steady.reason


@pytest.mark.parametrize("side", ["base", "head"])
def test_too_few_runs_are_inconclusive_and_say_how_many_it_takes(side: str) -> None:
    """GIVEN 3 runs on a side, lying far apart THEN nothing is proven nor passed, and 6 valid runs are asked for."""
    few, many = runs(3, steady_rss_mb=100.0), runs(3)
    decision = decided(few, many) if side == "head" else decided(many, few)
    assert decision.word == "inconclusive"
    assert of(decision).low is None
    assert of(decision).high is None
    assert "no bounds with so few runs" in of(decision).reason
    assert "3 and 3 runs are too few to tell" in of(decision).reason
    assert decision.ways_out == (
        (
            "`--runs 6`: 6 runs a side with a figure are the fewest that can prove a rise among 4 metrics, "
            "with false alarms in 1% at most; a side had 3."
        ),
    )


def test_lost_runs_are_added_to_the_advice() -> None:
    """GIVEN six runs of which one side lost three THEN as many more are asked for."""
    decision = decided(runs(3) + died(3, "invalid", "the load broke"), runs(6))
    assert decision.word == "inconclusive"
    assert decision.ways_out[0].startswith("`--runs 9`")
    assert decision.notes == ("head: 3 of 6 runs were invalid and not compared (the load broke)",)
    assert "whether the budget is kept is not known" in decision.reason


def test_every_scenario_counts_for_the_correction() -> None:
    """GIVEN a rise in one of two scenarios THEN p is corrected for 8 metrics; among 12, six runs prove nothing."""
    risen = ScenarioRuns("risen", runs(steady_rss_mb=20.0), runs(), 4096.0)
    same = ScenarioRuns("same", runs(), runs(), 4096.0)
    two = decide([same, risen])
    assert [decision.scenario for decision in two] == ["same", "risen"]
    assert [decision.word for decision in two] == ["pass", "regressed"]
    assert of(two[1]).p == 8 / 924
    three = decide([same, risen, same])
    assert {decision.word for decision in three} == {"inconclusive"}
    assert three[1].ways_out[0].startswith("`--runs 7`")


def test_alpha_is_the_callers() -> None:
    """GIVEN a stricter alpha THEN the same runs prove nothing."""
    runs_of = ScenarioRuns("cached", runs(steady_rss_mb=20.0), runs(), 4096.0)
    assert decide([runs_of], alpha=0.001)[0].word == "inconclusive"


def test_nothing_to_compare_with_is_said_loudly() -> None:
    """GIVEN no baseline THEN the budget alone decides, and reason, note and way out say that nothing was compared."""
    decision = decide(
        [ScenarioRuns("cached", runs(), None, 4096.0, why="another machine", notes=("a note",))]
    )[0]
    assert decision.word == "pass"
    assert decision.reason == "nothing was compared: another machine; the budget is kept"
    assert decision.notes == ("a note", "nothing was compared: another machine")
    assert decision.ways_out[0].startswith("Store these runs as a baseline")
    assert {one.word for one in decision.metrics} == {"information"}
    assert of(decision).reason == "steady RSS of the process tree: 66.5 MB (median of 6 runs), not compared"
    assert (of(decision).shift, of(decision).p, of(decision).base) == (None, None, ())


def test_no_baseline_and_a_broken_budget_regressed() -> None:
    """GIVEN no baseline and a peak over the scenario's budget THEN it regressed, and both are said."""
    decision = decided(runs(), None, budget_mb=141.0)
    assert decision.word == "regressed"
    assert decision.reason == (
        "budget not kept: peak RSS of the process tree: 141.0 MB at most; limit 141 MB (the budget)"
        "; nothing was compared: there is no baseline"
    )
    assert decision.ways_out[0].startswith("The budget holds whatever the baseline says")


def test_no_baseline_and_a_metric_without_values() -> None:
    """GIVEN no baseline and no growth in head THEN it is said to be unmeasured, and the budget still decides."""
    decision = decided(runs(growth_bytes_per_session=None), None)
    assert decision.word == "pass"
    assert of(decision, "growth_bytes_per_session").word == "unmeasured"
    assert of(decision, "growth_bytes_per_session").reason.endswith("not measured in any run of head")


@pytest.mark.parametrize("verdict", ["killed", "unhealthy"])
def test_what_a_busy_machine_may_have_done_is_no_regression_and_no_pass(verdict: str) -> None:
    """GIVEN a run of head that did not serve, or was killed by somebody THEN nobody can tell, and that is said."""
    decision = decided(runs(6) + died(1, verdict, "what was seen"))
    assert decision.word == "inconclusive"
    assert decision.budget.unknown
    assert any("busy" in line for line in decision.ways_out)
    nothing_known = decided(died(6, verdict), runs())
    assert nothing_known.word in {"inconclusive", "invalid"}


@pytest.mark.parametrize("verdict", ["oom_killed", "crashed"])
def test_a_death_of_head_is_a_regression(verdict: str) -> None:
    """GIVEN one run of head that did not survive THEN it regressed by the budget, whatever the figures say."""
    decision = decided(runs(6) + died(1, verdict, "what was seen"))
    assert decision.word == "regressed"
    assert decision.reason == f"budget not kept: 6 of 7 valid runs of head survived (1 {verdict})"
    assert decision.notes == (f"head: 1 of 7 runs was {verdict} and not compared (what was seen)",)
    assert {one.word for one in decision.metrics} == {"pass", "information"}


def test_a_head_that_always_died_is_a_regression() -> None:
    """GIVEN no run of head that survived THEN it regressed; its metrics are unmeasured."""
    decision = decided(died(6))
    assert decision.word == "regressed"
    assert {one.word for one in decision.metrics} == {"unmeasured"}


def test_a_base_that_always_died_is_nothing_to_compare_with() -> None:
    """GIVEN a base killed in every valid run and a head that survives THEN head passes on its budget alone."""
    decision = decided(runs(), died(5) + died(1, "invalid"))
    assert decision.word == "pass"
    assert decision.reason == "nothing was compared: base never survived (5 oom_killed); the budget is kept"
    assert len(decision.notes) == 3


def test_deaths_of_base_are_left_out() -> None:
    """GIVEN a base of which one run was killed THEN the others are compared, and that is noted."""
    decision = decided(runs(), runs(6) + died(1))
    assert decision.word == "pass"
    assert len(of(decision).base) == 6
    assert decision.notes == ("base: 1 of 7 runs was oom_killed and not compared",)


@pytest.mark.parametrize("head", [(), died(6, "invalid")])
def test_no_valid_run_of_head_is_invalid(head: tuple[GateRun, ...]) -> None:
    """GIVEN no run of head, or none valid THEN the scenario is invalid."""
    decision = decided(head)
    assert decision.word == "invalid"
    assert decision.reason == "nothing measured: head has no valid run"
    assert decision.ways_out[0].startswith("Mend what kept the runs from measuring")


@pytest.mark.parametrize("base", [(), died(6, "invalid")])
def test_no_valid_run_of_base_is_invalid(base: tuple[GateRun, ...]) -> None:
    """GIVEN a base that was to be measured and was not THEN the scenario is invalid, not passed."""
    decision = decided(runs(), base)
    assert decision.word == "invalid"
    assert decision.reason == "no judged metric was measured on both sides"
    assert of(decision).reason.endswith("not measured in any run of base")


def test_no_figure_at_all_is_invalid() -> None:
    """GIVEN runs of head that survived without a figure, and no baseline THEN that is invalid."""
    nothing = tuple(GateRun("survived", {}, peak_vm_mb=1.0) for _ in range(6))
    decision = decided(nothing, None)
    assert decision.word == "invalid"
    assert decision.reason.startswith("no judged metric was measured in head; nothing was compared")


def test_a_metric_without_values_is_inconclusive() -> None:
    """GIVEN growth on neither side THEN the scenario is inconclusive and says where to look."""
    none = runs(growth_bytes_per_session=None)
    decision = decided(none, none)
    assert decision.word == "inconclusive"
    assert decision.reason == "not measured on both sides: growth per session"
    assert of(decision, "growth_bytes_per_session").reason.endswith("in any run of base and head")
    assert len(decision.ways_out) == 1
    assert decision.ways_out[0].startswith("`unmeasured` in each run's verdict.json")


def test_an_unmeasured_metric_hides_no_regression() -> None:
    """GIVEN growth unmeasured and steady memory risen THEN it regressed."""
    assert decided(runs(growth_bytes_per_session=None, steady_rss_mb=20.0)).word == "regressed"


def test_information_without_values_changes_nothing() -> None:
    """GIVEN no latency in head THEN it is unmeasured, and the scenario passes."""
    decision = decided(runs(chunk_p95_ms=None))
    assert of(decision, "chunk_p95_ms").word == "unmeasured"
    assert decision.word == "pass"


def test_a_metric_that_some_runs_lack_is_noted() -> None:
    """GIVEN growth in 6 of 7 runs THEN those are compared, and how many is noted."""
    decision = decided(runs(6) + runs(1, growth_bytes_per_session=None))
    assert decision.word == "pass"
    assert decision.notes == ("head: growth per session was measured in 6 of 7 runs",)


def test_an_unmeasured_budget_is_not_kept_and_not_broken() -> None:
    """GIVEN no peak of the VM THEN what else passes is inconclusive, and says that the budget was not measured."""
    decision = decided(tuple(replace(run, peak_vm_mb=None) for run in runs()))
    assert decision.word == "inconclusive"
    assert decision.reason == "whether the budget is kept is not known"
    assert not decision.budget.kept


def test_figures_that_cannot_be_ranked_are_named() -> None:
    """GIVEN a figure that is no number THEN the error names it."""
    with pytest.raises(OomproofError, match="nan"):
        decided(runs(steady_rss_mb=float("nan")))


def test_nothing_asked_nothing_decided() -> None:
    """GIVEN no scenario THEN there is no decision."""
    assert decide([]) == ()
