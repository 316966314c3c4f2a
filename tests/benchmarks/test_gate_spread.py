"""How runs of one state differ, and by how much an effect was found to shift them."""

import math
from pathlib import Path

import pytest

from benchmarks.gate import Effect
from benchmarks.gate_runs import Measured, read
from benchmarks.gate_spread import effect_found, spreads
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable, line


def steady(tmp_path: Path, *pairs: tuple[list[float], list[float]]) -> Measured:
    """Pairs whose steady RSS is given, base and head; the pressure rises with each run."""
    lines = [
        line(f"pair-{number}", side, 100 * number + at, psi=10.0 * number + at, steady_rss_mb=mb)
        for number, pair in enumerate(pairs)
        for side, values in zip(("base", "head"), pair, strict=True)
        for at, mb in enumerate(values)
    ]
    return read(gate_files.write(tmp_path, lines))


def test_spread_is_told_within_pairs_and_between_them(tmp_path: Path) -> None:
    """GIVEN pairs ten MB apart whose runs scatter by one THEN both are told apart, and the largest shift in a pair."""
    found = steady(tmp_path, ([69.0, 71.0], [69.0, 71.0]), ([79.0, 81.0], [81.0, 79.0]))
    spread = next(spread for spread in spreads(found.pairs) if spread.metric == "steady_rss_mb")
    assert (spread.runs, spread.median, spread.low, spread.high) == (8, 75.0, 69.0, 81.0)
    assert spread.sd_within == pytest.approx(math.sqrt(4 / 3))
    assert spread.sd_between == pytest.approx(math.sqrt(50 - (4 / 3) / 4))
    assert (spread.worst_shift, spread.least) == (0.0, 8)


def test_pairs_that_differ_by_less_than_their_runs_do_not_differ(tmp_path: Path) -> None:
    """GIVEN pairs of one level THEN nothing is between them, and a shift within one is told."""
    found = steady(tmp_path, ([69.0, 69.0], [71.0, 71.0]), ([71.0, 71.0], [69.0, 69.0]))
    spread = next(spread for spread in spreads(found.pairs) if spread.metric == "steady_rss_mb")
    assert (spread.sd_between, spread.worst_shift) == (0.0, 2.0)


def test_one_pair_has_no_spread_between(tmp_path: Path) -> None:
    """GIVEN one pair THEN no spread is told; and a metric that nothing measured has none either."""
    assert spreads(steady(tmp_path, ([69.0, 71.0], [69.0, 71.0])).pairs) == []
    lines = [
        line(f"pair-{n}", side, n, growth_bytes_per_session=None) for n in (1, 2) for side in ("base", "head")
    ]
    found = spreads(read(gate_files.write(tmp_path, lines)).pairs)
    assert "growth_bytes_per_session" not in {spread.metric for spread in found}


def test_what_did_not_survive_is_no_part_of_the_spread(tmp_path: Path) -> None:
    """GIVEN a killed run with a wild figure THEN the spread is without it."""
    lines = list(believable(2, 0))
    lines[0]["verdict"], lines[0]["figures"]["steady_rss_mb"] = "oom_killed", 4000.0
    pairs = read(gate_files.write(tmp_path, lines)).pairs
    assert all(spread.runs == 23 and spread.high < 1000 for spread in spreads(pairs))


def test_what_one_minute_does_to_both_sides_is_seen(tmp_path: Path) -> None:
    """GIVEN sides that rise and fall together, and ones that do not, THEN that is their correlation; none without."""
    alike = steady(
        tmp_path / "a", ([70.0, 72.0, 71.0], [70.0, 72.0, 71.0]), ([80.0, 82.0, 81.0], [80.0, 82.0, 81.0])
    )
    apart = steady(
        tmp_path / "b", ([70.0, 72.0, 71.0], [72.0, 70.0, 71.0]), ([80.0, 82.0, 81.0], [82.0, 80.0, 81.0])
    )
    for found, expected in ((alike, 1.0), (apart, -1.0)):
        spread = {spread.metric: spread for spread in spreads(found.pairs)}
        assert spread["steady_rss_mb"].together == pytest.approx(expected)
        assert spread["peak_anon_mb"].together is None


@pytest.mark.parametrize(
    ("effect", "metric"),
    [
        (Effect("hold", 8), "steady_rss_mb"),
        (Effect("leak", 64), "growth_bytes_per_session"),
        (Effect("burst", 8), "peak_tree_rss_mb"),
    ],
)
def test_an_effect_is_found_in_the_metric_that_it_moves(tmp_path: Path, effect: Effect, metric: str) -> None:
    """GIVEN runs with a known effect THEN its metric is found to have shifted by that, within the interval."""
    found = read(gate_files.write(tmp_path, list(believable(5, 20, [effect]))))
    ((_, runs),) = found.effects
    shifted = effect_found(effect, runs, found.pairs)
    assert shifted is not None
    assert (shifted.metric, shifted.injected, shifted.runs, shifted.base_runs) == (
        metric,
        effect.size,
        20,
        48,
    )
    assert shifted.low < effect.size < shifted.high
    assert shifted.low < shifted.shift < shifted.high


def test_an_effect_that_nothing_measured_is_not_found(tmp_path: Path) -> None:
    """GIVEN an effect whose runs were all killed THEN there is no shift."""
    lines = list(believable(2, 3, [Effect("hold", 8)]))
    for run in lines[-3:]:
        run["verdict"] = "oom_killed"
    found = read(gate_files.write(tmp_path, lines))
    ((effect, runs),) = found.effects
    assert effect_found(effect, runs, found.pairs) is None
