"""docs/statistics.md says nothing that the code would not say: its tables are computed again."""

import math
import re
from pathlib import Path

import pytest

from benchmarks.gate_intervals import share
from profiles.gate.decision import ALPHA
from profiles.gate.enough_runs import fewest_runs
from profiles.gate.metrics import METRICS
from profiles.gate.options import RUNS
from profiles.gate.ranks import holm, p_higher
from profiles.growth_slope import BLOCKS

TEXT = (Path(__file__).parent.parent / "docs" / "statistics.md").read_text("utf-8")
BASE = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
PAIRS_THE_OTHER_WAY = {
    "all of head above all of base": [7.0, 8.0, 9.0, 10.0, 11.0, 12.0],
    "one pair the other way round": [5.5, 8.0, 9.0, 10.0, 11.0, 12.0],
    "two pairs the other way round": [5.3, 5.6, 9.0, 10.0, 11.0, 12.0],
}
JUDGED = [metric for metric in METRICS if metric.judged]


@pytest.mark.parametrize(
    ("runs", "least", "most"),
    re.findall(r"^\| (\d+) \| ([\d.]+) % \| ([\d.]+) % \|$", TEXT, re.MULTILINE),
)
def test_what_so_many_equal_ends_show(runs: str, least: str, most: str) -> None:
    """GIVEN so many runs that all ended alike THEN the bound is Clopper and Pearson's, one-sided."""
    other = share(0, int(runs)).at_most
    assert (f"{100 * (1 - other):.1f}", f"{100 * other:.1f}") == (least, most)


@pytest.mark.parametrize("case", PAIRS_THE_OTHER_WAY)
def test_what_six_runs_a_side_can_prove(case: str) -> None:
    """GIVEN six runs a side in such an order THEN the gate's own test gives the p of the table."""
    ((ways, of, p, proven),) = re.findall(
        rf"^\| {case} \| (\d+) of (\d+) \| ([\d.]+) \| (yes|no) \|$", TEXT, re.MULTILINE
    )
    assert (len(BASE), int(of)) == (RUNS, math.comb(2 * RUNS, RUNS))
    found = p_higher(BASE, PAIRS_THE_OTHER_WAY[case])
    assert found == pytest.approx(int(ways) / int(of))
    corrected = holm([found, *[0.9] * (len(JUDGED) - 1)])[0]
    assert (f"{corrected:.4f}", corrected <= ALPHA) == (p, proven == "yes")


def test_the_numbers_in_the_sentences() -> None:
    """GIVEN the sentences THEN their numbers are the code's."""
    assert f"cut into {BLOCKS} stretches" in TEXT
    assert f"all {math.comb(BLOCKS, 2)} pairs of points" in TEXT
    assert f"all {len(BASE) ** 2} differences" in TEXT
    nine, ten = (fewest_runs(ALPHA, tests) for tests in (9, 10))
    assert "up to nine\ntests six runs" in TEXT
    assert (nine, ten) == (RUNS, RUNS + 1)
    assert f"at most {100 * (1 - (1 - ALPHA) ** 100):.0f} %" in TEXT
