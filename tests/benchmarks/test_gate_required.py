"""What was asked of the gate, and when it counts as shown."""

from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.gate_intervals import share
from benchmarks.gate_required import percent, required_effects, requirements, simulated, widest


def value(**changed: Any) -> dict[str, Any]:
    """Figures of a gate that is as it should be, with something changed."""
    row = {"runs": 6, "bounds": (0.0, 0.001), "regressed": asdict(share(4, 20_000))}
    found = {"runs": 6, "bounds": (0.99, 1.0), "regressed": asdict(share(1999, 2000))}
    return {
        "real": {"all": {"regressed": asdict(share(0, 60)), "pass": asdict(share(60, 60))}},
        "whole_gates": [{"word": "pass", "exit_code": 0}] * 20,
        "equal_sides": [{"way": "relabelled", **row}],
        "power": [{"effect": "hold-8", **found}, {"effect": "leak-64", **found}],
        "spreads": [
            {"metric": "steady_rss_mb", "least": 8}, {"metric": "growth_bytes_per_session", "least": 64}
        ],
        **changed,
    }  # fmt: skip


def power(hits: int, bounds: tuple[float, float]) -> list[dict[str, Any]]:
    """The power at both required effects."""
    found = {"runs": 6, "bounds": bounds, "regressed": asdict(share(hits, 2000))}
    return [{"effect": "hold-8", **found}, {"effect": "leak-64", **found}]


def test_a_gate_that_is_as_it_should_be_meets_everything() -> None:
    """GIVEN such figures THEN all is met, with what was found beside it."""
    found = requirements(value())
    assert [row.met for row in found] == ["yes"] * 6
    assert found[0].found == "0 of 60 (at most 4.87 % a gate, one-sided 95 %)"
    assert found[2].found == "20 of 20"


@pytest.mark.parametrize(
    ("changed", "at", "met"),
    [
        ({"real": {"all": {"regressed": asdict(share(1, 60)), "pass": asdict(share(59, 60))}}}, 0, "no"),
        ({"real": {"all": {"regressed": asdict(share(0, 60)), "pass": asdict(share(59, 60))}}}, 1, "no"),
        (
            {"whole_gates": [{"word": "pass", "exit_code": 0}, {"word": "inconclusive", "exit_code": 3}]},
            2,
            "no",
        ),
        ({"whole_gates": []}, 2, "not measured"),
        ({"equal_sides": []}, 3, "not measured"),
        ({"power": []}, 4, "not measured"),
        ({"power": power(1890, (0.9, 1.0))}, 4, "no"),
        ({"power": power(1990, (0.94, 1.0))}, 5, "not shown"),
        ({"power": power(1902, (0.95, 0.96))}, 5, "not shown"),
    ],
)
def test_what_is_missed_or_not_shown_is_told_so(changed: dict[str, Any], at: int, met: str) -> None:
    """GIVEN a figure on the wrong side, one whose bounds reach there, or none THEN each is told as what it is."""
    assert requirements(value(**changed))[at].met == met


def test_an_alarm_rate_whose_bounds_reach_beyond_alpha_is_not_shown() -> None:
    """GIVEN a rate of 0.9 %, bounds up to 1.2 %, THEN it is not shown to be at most 1 %; a rate of 1.1 % is not met."""
    rows = [
        [{"way": "relabelled", "runs": 6, "bounds": (0.0, 0.012), "regressed": asdict(share(hits, 20_000))}]
        for hits in (180, 220)
    ]
    assert [requirements(value(equal_sides=row))[3].met for row in rows] == ["not shown", "no"]


def test_the_effects_that_are_asked_for_grow_with_a_larger_server() -> None:
    """GIVEN a server of 200 MB THEN 5 % of it is asked for; of one of unknown size the 8 MB."""
    large = value(spreads=[{"metric": "steady_rss_mb", "least": 10.0}])
    assert list(required_effects(large)) == ["hold-10", "leak-64"]
    assert list(required_effects(value(spreads=[]))) == ["hold-8", "leak-64"]


def test_bounds_are_the_widest_of_both() -> None:
    """GIVEN an interval of the gates and one of the runs THEN the bounds hold both; without the latter the first."""
    exact = asdict(share(2000, 2000))
    row: dict[str, Any] = {"bounds": (1.0, 1.0), "regressed": exact}
    assert widest(row) == (exact["low"], 1.0)
    assert exact["low"] == pytest.approx(0.998157, abs=1e-6)
    assert simulated(row) == "100 % (99.82 % to 100 %)"
    assert widest({**row, "bounds": (0.5, 0.9)}) == (0.5, 1.0)
    assert widest({**row, "bounds": None}) == (exact["low"], 1.0)


@pytest.mark.parametrize(
    ("share_of_all", "told"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.0487, "4.87 %"), (0.01, "1 %"), (0.99815, "99.81 %")],
)
def test_a_share_is_told_with_as_few_decimals_as_it_has(share_of_all: float, told: str) -> None:
    """GIVEN shares THEN they read as a person would write them, to a hundredth."""
    assert percent(share_of_all) == told
