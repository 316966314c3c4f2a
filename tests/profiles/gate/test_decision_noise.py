"""How often made-up noise fools the gate."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from profiles.gate.decision import ScenarioRuns, decide
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import GateRun
from tests.profiles.gate.samples import CENTRES, MB


def noisy(draw: Random, sd: float, rise: float = 0.0, count: int = 6) -> tuple[GateRun, ...]:
    """Runs with normal noise on every metric, memory raised."""
    rises = {name: rise if name in MB else 0.0 for name in CENTRES}
    return tuple(
        GateRun(
            "survived",
            {name: draw.gauss(centre + rises[name], sd) for name, centre in CENTRES.items()},
            peak_vm_mb=200.0,
        )
        for _ in range(count)
    )


def words(sd: float, rise: float, times: int) -> Counter[str]:
    """How often each word comes of a gate of two scenarios, memory in the first raised."""
    draw = Random(f"{sd} {rise}")
    return Counter(
        decide(
            [
                ScenarioRuns("first", noisy(draw, sd, rise), noisy(draw, sd), 4096.0),
                ScenarioRuns("second", noisy(draw, sd), noisy(draw, sd), 4096.0),
            ]
        )[0].word
        for _ in range(times)
    )


def test_equal_states_pass() -> None:
    """GIVEN 100 gates on equal states with noise of 1 MB THEN all pass."""
    assert words(sd=1.0, rise=0.0, times=100) == {"pass": 100}


def test_a_rise_that_matters_is_always_found() -> None:
    """GIVEN 100 gates on a rise of 8 MB with noise of 1 MB THEN all find it."""
    assert words(sd=1.0, rise=8.0, times=100) == {"regressed": 100}


@pytest.mark.parametrize("sd", [3.0, 12.0])
def test_noise_alone_is_hardly_ever_a_regression(sd: float) -> None:
    """GIVEN 100 gates on equal states with much noise THEN a false alarm is as rare as alpha says (here 3 at most)."""
    assert words(sd=sd, rise=0.0, times=100)["regressed"] <= 3


def test_huge_noise_never_passes() -> None:
    """GIVEN noise far beyond what matters THEN the gate says inconclusive, and does not pass what it cannot see."""
    found = words(sd=100.0, rise=0.0, times=100)
    assert found["pass"] == 0
    assert found["inconclusive"] >= 97


def test_a_rise_in_noise_is_hardly_ever_passed() -> None:
    """GIVEN a rise of 8 MB in noise of 4 MB THEN it may be left open, but is passed no more often than alpha says."""
    found = words(sd=4.0, rise=8.0, times=100)
    assert found["pass"] <= 3
    assert found["inconclusive"] > 0


def test_all_judged_metrics_are_made_up_here() -> None:
    """GIVEN the metrics THEN these tests give each a value: one that is added must be added here."""
    assert {metric.name for metric in METRICS} == set(CENTRES)
