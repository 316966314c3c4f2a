"""junit.xml is taken by every CI, and no verdict of a gate is lost on the way."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from profiles.gate.junit import junit_xml, save_junit
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import BudgetCheck, GateOutcome, ScenarioDecision
from tests.profiles.gate import outcomes

RESULTS = {"failure", "error", "skipped"}


def root(outcome: GateOutcome) -> ET.Element:
    """The XML as a reader sees it."""
    return ET.fromstring(junit_xml(outcome))  # noqa: S314 - our own


def results(decision: ScenarioDecision) -> dict[str, str]:
    """The result of each test case of a scenario, by its name."""
    cases = root(outcomes.outcome(decision)).findall("testsuite/testcase")
    return {
        case.get("name", ""): next((part.tag for part in case if part.tag in RESULTS), "passed")
        for case in cases
    }


def test_a_scenario_is_a_suite_and_a_metric_a_case() -> None:
    """GIVEN a scenario that regressed THEN its metrics and its budget are cases, and what regressed failed."""
    assert results(outcomes.scenario("regressed")) == {
        "peak RSS of the process tree": "failure",
        "steady RSS of the process tree": "failure",
        "peak anonymous memory": "passed",
        "growth per session": "passed",
        "95th percentile of a chunk's latency": "skipped",
        "budget": "passed",
    }


def test_every_reader_finds_the_attributes_it_needs() -> None:
    """GIVEN suites of all words THEN the attributes of Jenkins' schema, counts that are right, times that add up."""
    tree = root(outcomes.everything())
    suites = tree.findall("testsuite")
    assert set(tree.keys()) == {"name", "tests", "failures", "errors", "time"}
    assert [suite.get("name") for suite in suites] == [
        one.scenario for one in outcomes.everything().scenarios
    ]
    for suite in suites:
        cases = suite.findall("testcase")
        assert set(suite.keys()) == {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}
        assert suite.get("tests") == str(len(cases)) == str(len(METRICS) + 1)
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(count) == str(len(suite.findall(f"testcase/{tag}")))
        for case in cases:
            assert set(case.keys()) == {"name", "classname", "time"}
            assert case.get("classname") == f"oomproof.gate.{suite.get('name')}"
            assert sum(part.tag in RESULTS for part in case) <= 1
            assert all(part.text for part in case)
        assert sum(float(case.get("time", "")) for case in cases) == pytest.approx(
            float(suite.get("time", "")), abs=0.01
        )
        assert suite.get("timestamp") == "2026-11-23T11:40:00"
    for count in ("tests", "failures", "errors"):
        assert tree.get(count) == str(sum(int(suite.get(count, "")) for suite in suites))
    assert sum(float(suite.get("time", "")) for suite in suites) == pytest.approx(912.4, abs=0.01)
    assert all(re.fullmatch(r"\d+\.\d{3}", part.get("time", "")) for part in (tree, *suites))


def test_inconclusive_and_invalid_are_errors_so_that_ci_shows_them() -> None:
    """GIVEN what could not be told or measured THEN no reader takes it for passed."""
    open_one = results(outcomes.scenario("inconclusive"))
    assert open_one["steady RSS of the process tree"] == "error"
    assert open_one["budget"] == "passed"
    nothing = results(outcomes.scenario("invalid"))
    assert nothing.pop("budget") == "error"
    assert set(nothing.values()) == {"skipped"}


def test_a_judged_metric_that_is_lacking_is_the_error_where_it_decides() -> None:
    """GIVEN a metric without values THEN an error where it makes the scenario inconclusive, else skipped."""
    metrics = outcomes.metrics(growth_bytes_per_session="unmeasured", chunk_p95_ms="unmeasured")
    found = results(outcomes.scenario("inconclusive", metrics=metrics))
    assert found["growth per session"] == "error"
    assert found["95th percentile of a chunk's latency"] == "skipped"
    metrics = outcomes.metrics(growth_bytes_per_session="unmeasured", peak_anon_mb="regressed")
    assert results(outcomes.scenario("regressed", metrics=metrics))["growth per session"] == "skipped"


def test_what_informs_and_decides_nothing_is_skipped_with_its_reason() -> None:
    """GIVEN metrics that nobody could compare THEN none is passed, whatever the scenario's word; each says why."""
    (alone,) = outcomes.without_base().scenarios
    assert set(results(alone).values()) == {"skipped", "passed"}
    assert results(alone)["budget"] == "passed"
    skipped = root(outcomes.without_base()).findall("testsuite/testcase/skipped")
    assert len(skipped) == len(METRICS)
    assert all("not compared" in (one.get("message") or "") for one in skipped)
    open_one = outcomes.scenario("inconclusive", metrics=alone.metrics)
    assert results(open_one)["peak anonymous memory"] == "skipped"


def test_a_broken_budget_failed() -> None:
    """GIVEN head runs that were killed THEN the budget's case failed, with the reason and every line."""
    suite = root(outcomes.outcome(outcomes.died())).find("testsuite")
    assert suite is not None
    (failure,) = suite.iter("failure")
    assert failure.get("type") == "regressed"
    assert failure.get("message") == "budget not kept: 4 of 6 valid runs of head survived (2 oom_killed)"
    assert "peak memory of the VM without its page cache: 130.5 MB at most" in (failure.text or "")


@pytest.mark.parametrize(
    ("decision", "result"),
    [
        (outcomes.scenario("invalid", metrics=(), budget=outcomes.KEPT), "error"),
        (outcomes.scenario("inconclusive", metrics=outcomes.metrics()), "error"),
        (outcomes.scenario("regressed", metrics=outcomes.metrics()), "failure"),
        (
            outcomes.scenario(
                "regressed", metrics=(), budget=BudgetCheck(kept=False, lines=("not measured",))
            ),
            "failure",
        ),
        (
            outcomes.scenario("inconclusive", budget=BudgetCheck(kept=False, lines=("not measured",))),
            "error",
        ),
        (outcomes.scenario("pass", metrics=()), "passed"),
    ],
)
def test_what_no_metric_says_the_budgets_case_says(decision: ScenarioDecision, result: str) -> None:
    """GIVEN a word that no metric's case carries THEN the budget's does: a suite is never greener than its scenario."""
    assert results(decision)["budget"] == result


def test_figures_stand_in_every_case() -> None:
    """GIVEN a regression THEN its case holds medians, shift, interval, p and each run's value."""
    failure = root(outcomes.outcome(outcomes.scenario("regressed"))).find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.text or "").splitlines() == [
        "regressed: peak RSS of the process tree: regressed, a rise of 8 MB matters",
        "medians: 81.3 -> 93.2 MB",
        "shift: +11.9 MB (+11.5 to +12.3 MB), smallest that matters 8.0 MB",
        "p, corrected: 0.0043",
        "base, each run: 81.1, 81.2, 81.2, 81.4, 81.5, 81.6",
        "head, each run: 93.0, 93.1, 93.1, 93.3, 93.4, 93.5",
    ]


def test_conditions_and_ways_out_stand_in_the_suite() -> None:
    """GIVEN an outcome THEN its conditions are properties, and what to do is the suite's output."""
    suite = root(outcomes.outcome(outcomes.scenario("inconclusive"))).find("testsuite")
    assert suite is not None
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["VM memory MB"] == "4096"
    assert properties["sides"].startswith("head (fc060ac") if properties["sides"] else False
    assert "`--runs 12`: about as many would tell" in (suite.findtext("system-out") or "")


def test_hostile_text_breaks_no_xml() -> None:
    """GIVEN control characters, markup and half a pair everywhere THEN it is well formed, and they can be seen."""
    bad = 'x\x00\x0b\x1b[31m <![CDATA[ ]]> & "quoted" </testcase> \udc80 \ufffe'
    decision = outcomes.scenario(
        "inconclusive",
        scenario=bad,
        reason=bad,
        notes=(bad,),
        ways_out=(bad,),
        metrics=(outcomes.metric("peak_anon_mb", "inconclusive", reason=bad),),
        budget=BudgetCheck(kept=True, lines=(bad,)),
    )
    tree = root(outcomes.outcome(decision, conditions={bad: bad}, created_at=bad))
    seen = 'x\\x00 \\x1b[31m <![CDATA[ ]]> & "quoted" </testcase> \\udc80 \\ufffe'
    suite = tree.find("testsuite")
    assert suite is not None
    assert suite.get("name") == seen
    assert seen in (suite.findtext("system-out") or "")
    assert [one.get("message") for one in tree.iter("error")] == [f"inconclusive: {seen}"]


def test_runs_that_nobody_timed_share_the_gates_time_evenly() -> None:
    """GIVEN two scenarios without durations THEN each suite has half of the time."""
    short = [outcomes.scenario(scenario=name, base_runs=(), head_runs=()) for name in ("one", "two")]
    suites = root(outcomes.outcome(*short, took_s=10.0)).findall("testsuite")
    assert [suite.get("time") for suite in suites] == ["5.000", "5.000"]


def test_no_scenario_is_no_suite(tmp_path: Path) -> None:
    """GIVEN nothing measured THEN the file is there, well formed and empty; with suites it is written as it is."""
    empty = outcomes.outcome(scenarios=())
    assert save_junit(empty, tmp_path) == tmp_path / "junit.xml"
    assert list(ET.fromstring((tmp_path / "junit.xml").read_bytes())) == []  # noqa: S314 - our own
    save_junit(outcomes.outcome(), tmp_path)
    assert (tmp_path / "junit.xml").read_bytes() == junit_xml(outcomes.outcome())
