"""How many runs it takes: counted where it can be, estimated where it must be."""

from __future__ import annotations

import math
from random import Random

import pytest

from profiles.gate.enough_runs import MARGIN, MOST_ADVISED, fewest_runs, matters, runs_to_tell
from profiles.gate.ranks import shift, shift_interval

LEVEL = 0.01 / 8


@pytest.mark.parametrize(
    ("tests", "runs"), [(1, 5), (2, 5), (3, 6), (8, 6), (9, 6), (10, 7), (34, 7), (35, 8)]
)
def test_the_fewest_runs_that_can_prove_anything(tests: int, runs: int) -> None:
    """GIVEN so many tests at 1 % THEN one choice of all ranks is rare enough from so many runs a side on."""
    assert fewest_runs(0.01, tests) == runs
    assert math.comb(2 * runs, runs) >= 100 * tests > math.comb(2 * runs - 2, runs - 1)


def test_half_the_smallest_effect_matters() -> None:
    """GIVEN 8 MB as the smallest effect THEN a rise of 4 counts, and one just below does not."""
    assert matters(4.0, 8.0)
    assert not matters(3.999, 8.0)


def test_what_hardly_scatters_needs_few_more() -> None:
    """GIVEN 4 v 4, which bound nothing, far below the effect THEN the first number that bounds it is enough."""
    assert runs_to_tell([0, 1, 2, 3], [0, 1, 2, 3], 8, LEVEL) == math.ceil(MARGIN * 6)


def test_a_rise_that_lies_apart_is_told_by_few_more() -> None:
    """GIVEN a rise beyond the smallest effect, of 4 runs a side that lie apart THEN six would have proven it."""
    assert runs_to_tell([0, 1, 2, 3], [20, 21, 22, 23], 8, LEVEL) == math.ceil(MARGIN * 6)


def test_what_scatters_too_much_has_no_number() -> None:
    """GIVEN values that differ by hundreds, for an effect of 8 THEN no number of runs is advised."""
    values = [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]
    assert runs_to_tell(values, values, 8, LEVEL) is None


def test_more_than_is_advised_already_has_no_number() -> None:
    """GIVEN as many runs as are ever advised THEN no more are."""
    values = [float(i) for i in range(MOST_ADVISED)]
    assert runs_to_tell(values, values, 100, LEVEL) is None


@pytest.mark.parametrize("rise", [0.0, 8.0])
def test_the_advice_is_good_more_often_than_not(rise: float) -> None:
    """GIVEN normal scatter too wide for six runs WHEN as many as advised are made THEN seven in ten of them tell."""
    draw, told = Random(13), list[bool]()

    def sample(runs: int, mean: float) -> list[float]:
        return [draw.gauss(mean, 4) for _ in range(runs)]

    while len(told) < 60:
        base, head = sample(6, 0), sample(6, rise)
        low, high = shift_interval(base, head, LEVEL)
        advised = runs_to_tell(base, head, 8, LEVEL)
        if high < 8 or low > 0 or advised is None:
            continue
        base, head = sample(advised, 0), sample(advised, rise)
        low, high = shift_interval(base, head, LEVEL)
        told.append(high < 8 or (low > 0 and matters(shift(base, head), 8)))
    assert sum(told) / len(told) >= 0.7
