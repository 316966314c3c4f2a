"""The same runs by how busy their machine was."""

import math
from pathlib import Path

import pytest

from benchmarks.gate_busy import busy
from benchmarks.gate_runs import read
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import Line, believable, line


def rising(runs: int = 12) -> list[Line]:
    """Runs whose steady RSS rises with the pressure, and falls with the latency."""
    return [
        line(
            f"pair-{at // 2}",
            ("base", "head")[at % 2],
            at,
            psi=10.0 * at,
            steady_rss_mb=70.0 + at,
            chunk_p95_ms=900.0 - at,
        )
        for at in range(runs)
    ]


def test_runs_are_parted_by_each_sign(tmp_path: Path) -> None:
    """GIVEN a figure that rises with one sign and falls with the other THEN parts and correlations say so."""
    pressure, latency = busy(read(gate_files.write(tmp_path, rising())).pairs)
    assert [(part.low, part.high, part.runs) for part in pressure.parts] == [
        (0, 30, 4),
        (40, 70, 4),
        (80, 110, 4),
    ]
    assert [part.medians["steady_rss_mb"] for part in pressure.parts] == [71.5, 75.5, 79.5]
    assert pressure.parts[0].sds["steady_rss_mb"] == pytest.approx(math.sqrt(5 / 3))
    assert pressure.correlations == {"steady_rss_mb": pytest.approx(1.0), "chunk_p95_ms": pytest.approx(-1.0)}
    assert [part.medians["steady_rss_mb"] for part in latency.parts] == [79.5, 75.5, 71.5]
    assert latency.correlations == {"steady_rss_mb": pytest.approx(-1.0)}


def test_equal_values_share_their_rank(tmp_path: Path) -> None:
    """GIVEN values of which many are equal THEN the correlation is that of their middle ranks."""
    lines = rising()
    for run in lines:
        run["figures"]["steady_rss_mb"] = 70.0 if run["host_psi_some"] < 60 else 80.0
    pressure, _ = busy(read(gate_files.write(tmp_path, lines)).pairs)
    assert pressure.correlations["steady_rss_mb"] == pytest.approx(math.sqrt(108 / 143))


def test_a_sign_that_nobody_told_parts_nothing(tmp_path: Path) -> None:
    """GIVEN runs of a machine that tells no pressure THEN the latency alone parts them; too few runs nothing."""
    lines = [{**run, "host_psi_some": None} for run in rising()]
    assert [found.sign for found in busy(read(gate_files.write(tmp_path / "a", lines)).pairs)] == [
        "chunk_p95_ms"
    ]
    assert busy(read(gate_files.write(tmp_path / "b", rising(4))).pairs) == []


def test_only_what_survived_is_parted(tmp_path: Path) -> None:
    """GIVEN a killed run THEN it is in no part; nor is a figure that nobody measured."""
    lines = list(believable(2, 0))
    lines[0]["verdict"] = "oom_killed"
    for run in lines:
        run["figures"]["growth_bytes_per_session"] = None
    pressure, _ = busy(read(gate_files.write(tmp_path, lines)).pairs)
    assert sum(part.runs for part in pressure.parts) == 23
    assert all("growth_bytes_per_session" not in part.medians for part in pressure.parts)
    assert "growth_bytes_per_session" not in pressure.correlations
