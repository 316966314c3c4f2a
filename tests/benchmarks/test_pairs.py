"""What the pairs of a benchmark say."""

import math
import random

import pytest

from benchmarks.pairs import Pair, cost, ratio


def test_the_same_ratio_everywhere_is_certain() -> None:
    """GIVEN ten pairs that all say 5 % slower THEN so does their mean, and its interval has no width."""
    found = ratio([1.05] * 10)
    assert (found.mean, found.low, found.high) == (1.05, 1.05, 1.05)


def test_half_as_slow_and_twice_as_slow_are_no_difference() -> None:
    """GIVEN ratios that cancel THEN the mean is 1, and the interval says that little is known."""
    found = ratio([0.5, 2.0] * 5)
    assert found.mean == 1.0
    assert 0.5 < found.low < 0.8
    assert 1.25 < found.high < 2.0


def test_the_interval_holds_the_truth_as_often_as_is_said() -> None:
    """GIVEN ten ratios each of a noise of 10 % around 1.02 THEN about 91 of 100 intervals hold that."""
    draw = random.Random(7)
    held = 0
    for _ in range(300):
        found = ratio([1.02 * math.exp(draw.gauss(0, 0.1)) for _ in range(10)], draws=400)
        held += found.low <= 1.02 <= found.high
    assert 0.86 <= held / 300 <= 0.95


def test_a_case_has_its_cost_and_its_ratios() -> None:
    """GIVEN pairs of windows THEN each figure is of the windows that it names."""
    pairs = [
        Pair([110.0] * 9 + [220.0] * 2, [100.0] * 9 + [200.0], 0.004, 18.0),
        Pair([110.0] * 9 + [220.0] * 2, [100.0] * 9 + [200.0], 0.006, 19.0),
    ]
    found = cost("10 Hz", 10, 1, pairs)
    assert (found.pairs, found.requests) == (2, 10)
    assert (found.cpu_share, found.cpu_share_max, found.rss_mb) == (0.005, 0.006, 19.0)
    assert found.p50_us == 100.0
    assert found.p50_ratio.mean == pytest.approx(1.1)


def test_windows_without_a_recorder_cost_nothing_that_is_known() -> None:
    """GIVEN pairs of which none was watched THEN the recorder's cost is unknown, and not zero."""
    found = cost("noise", 0, 1, [Pair([100.0, 101.0], [100.0, 101.0], None, None)])
    assert (found.cpu_share, found.cpu_share_max, found.rss_mb) == (None, None, None)
    assert found.p50_ratio.mean == 1.0
