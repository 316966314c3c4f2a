"""The summary for a pull request says the verdict first, and no name in it is markup or calls anybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from profiles.gate.markdown import gate_markdown
from profiles.gate.outcome import GateOutcome
from tests.profiles.gate import outcomes


def rows(text: str) -> list[str]:
    """The rows of all tables."""
    return [line for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("outcome", "first"),
    [
        (outcomes.outcome(), "## ✔ Memory gate: pass: gate-cached"),
        (outcomes.everything(), "## ✘ Memory gate: regressed: gate-regressed"),
        (outcomes.outcome(outcomes.scenario("inconclusive")), "## ? Memory gate: inconclusive: gate-cached"),
        (outcomes.outcome(outcomes.scenario("invalid")), "## ! Memory gate: invalid: gate-cached"),
        (outcomes.outcome(scenarios=()), "## ! Memory gate: invalid: nothing was measured"),
        (
            outcomes.without_base(),
            "## ✔ Memory gate: pass: gate-cached. NOTHING WAS COMPARED: only the budget was checked",
        ),
    ],
)
def test_the_first_line_is_the_verdict(outcome: GateOutcome, first: str) -> None:
    """GIVEN an outcome THEN sign, word and scenario stand in the first line."""
    assert gate_markdown(outcome).splitlines()[0] == first


def test_a_metric_is_a_row_with_all_that_was_decided() -> None:
    """GIVEN a regression THEN medians, change with its share, interval, what matters and word; no share of growth."""
    cells = [
        row.strip("| ").split(" | ")
        for row in rows(gate_markdown(outcomes.outcome(outcomes.scenario("regressed"))))
    ]
    table = {row[0]: row[1:] for row in cells}
    assert table["peak RSS of the process tree"] == [
        "81.3 MB", "93.2 MB", "+11.9 MB (+14.6%)", "+11.5 to +12.3 MB", "8.0 MB", "✘ regressed",
    ]  # fmt: skip
    assert table["growth per session"] == [
        "3.0 KiB", "3.2 KiB", "+0.1 KiB", "-0.3 to +0.5 KiB", "64.0 KiB", "✔ pass",
    ]  # fmt: skip
    assert table["95th percentile of a chunk's latency"][-2:] == ["–", "information"]  # noqa: RUF001


def test_reasons_budget_conditions_and_every_run_are_told() -> None:
    """GIVEN an inconclusive outcome with a note THEN all that a reviewer asks next is there, the runs folded."""
    text = gate_markdown(outcomes.outcome(outcomes.scenario("inconclusive", notes=("something odd",))))
    for said in (
        "compared with base (a32e9ed). Exit code 3.",
        "- **Note:** something odd",
        "- steady RSS of the process tree: inconclusive",
        "Budget: kept",
        "What to do:\n\n- `--runs 12`: about as many would tell",
        "- gate-cached: 6 runs of base, 6 runs of head",
        "- VM memory MB: 4096",
        "took 912 s",
        "<details><summary>Every run of gate-cached</summary>\n\n| run |",
    ):
        assert said in text
    assert sum(row.startswith(("| base ", "| head ")) for row in rows(text)) == 2 * outcomes.RUNS
    assert text.count("<details>") == text.count("</details>") == 1


def test_first_tries_are_in_the_table_of_runs() -> None:
    """GIVEN a run of head that was tried again THEN its first try is a row, and the count of runs is as before."""
    text = gate_markdown(
        outcomes.outcome(outcomes.scenario(head_retried=(outcomes.run("head", 2, verdict="unhealthy"),)))
    )
    assert any(row.startswith("| head, first try (head-2) | unhealthy |") for row in rows(text))
    assert "- gate-cached: 6 runs of base, 6 runs of head" in text


def test_a_picture_is_shown_where_there_is_one() -> None:
    """GIVEN the picture of a scenario whose name has a space THEN its link works; without a picture there is none."""
    named = outcomes.outcome(outcomes.scenario("regressed", scenario="my server"))
    text = gate_markdown(named, {"my server": Path("/out/memory-my server.svg")})
    assert "![Memory of base and head over time, my server](memory-my%20server.svg)" in text
    assert "![" not in gate_markdown(named)


def test_what_was_not_measured_is_a_dash_and_no_number() -> None:
    """GIVEN an invalid scenario without runs THEN its table has dashes, and no runs are folded away."""
    text = gate_markdown(outcomes.outcome(outcomes.scenario("invalid", base_runs=(), head_runs=())))
    assert "| peak RSS of the process tree | – | – | unknown | unknown | 8.0 MB | unmeasured |" in rows(text)  # noqa: RUF001
    assert "<details>" not in text
    assert "- gate-cached: no run of base, no run of head" in text


def test_a_scenario_without_metrics_has_no_table() -> None:
    """GIVEN nothing but a reason THEN there is no empty table and no empty list."""
    bare = outcomes.scenario("invalid", metrics=(), notes=(), ways_out=(), base_runs=(), head_runs=())
    assert rows(gate_markdown(outcomes.outcome(bare))) == []


def test_a_share_of_nothing_is_not_told() -> None:
    """GIVEN a baseline of 0 THEN the change has no percentage."""
    zero = outcomes.metric("peak_anon_mb", base=(0.0,), head=(9.0,), shift=9.0)
    assert "| +9.0 MB |" in gate_markdown(outcomes.outcome(outcomes.scenario(metrics=(zero,))))


def test_no_name_is_markup_or_calls_anybody() -> None:
    """GIVEN pipes, tags, control characters and a @name THEN tables stay whole, nothing is hidden, nobody is told."""
    bad = "a|b <details> @somebody \x1b[31m `x` [y](z)"
    decision = outcomes.scenario(
        "inconclusive", scenario=bad, reason=bad, notes=(f"a note, {bad}",), ways_out=(bad,),
        metrics=(outcomes.metric("peak_anon_mb", "inconclusive", reason=bad),),
        head_runs=(outcomes.run("head", 1, verdict=bad, started_at=bad),),
    )  # fmt: skip
    text = gate_markdown(outcomes.outcome(decision, conditions={bad: bad}))
    assert "@somebody" not in text
    assert "\x1b" not in text
    assert text.count("<details>") == text.count("</details>") == 1
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows(text)}
    assert widths == {8, 9}  # seven columns of metrics, eight of runs
    assert "`x`" in text  # only where a way out says it, and never around what is markup itself
    assert "\\`x\\` \\[y\\]" in text
    assert "Every run of a|b &lt;details&gt; &#64;<!-- -->somebody" in text
