"""The plot of base and head names its sides, its zoom and its limits as text, and is the same for the same runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from profiles.gate.curves import write_curves
from profiles.gate.outcome import ScenarioDecision
from profiles.plot_panel import ANON, SERVER
from tests.profiles.gate import outcomes

LIMITS = replace(outcomes.KEPT, tree_limit_mb=2048.0, vm_memory_mb=4096.0)


def drawn(decision: ScenarioDecision, out: Path) -> str:
    """The picture as SVG."""
    assert write_curves(decision, out / "memory.svg", out / "memory.png")
    return (out / "memory.svg").read_text(encoding="utf-8")


def test_both_sides_are_named_and_told_apart_without_colour(tmp_path: Path) -> None:
    """GIVEN a regression THEN each side has its name, its colour, its dash and all of its runs."""
    svg = drawn(outcomes.scenario("regressed"), tmp_path)
    assert ">head<" in svg
    assert ">base<" in svg
    assert "gate-cached: regressed" in svg
    assert "thin: 6 runs of base and 6 runs of head; thick: the median of each side" in svg
    for colour in (ANON, SERVER):
        assert svg.count(f"stroke: {colour}") == outcomes.RUNS + 1
    assert [line.count("stroke-dasharray") for line in svg.splitlines() if f"stroke: {ANON}" in line].count(
        1
    ) == 1
    assert not any("stroke-dasharray" in line for line in svg.splitlines() if f"stroke: {SERVER}" in line)


def test_the_picture_is_readme_wide_small_and_the_same_again(tmp_path: Path) -> None:
    """GIVEN the same runs twice THEN the same bytes, 900 px wide as SVG and twice that as PNG."""
    svg = drawn(outcomes.scenario("regressed"), tmp_path)
    assert drawn(outcomes.scenario("regressed"), tmp_path) == svg
    assert ET.fromstring(svg).get("width") == "675pt"  # noqa: S314 - our own
    with Image.open(tmp_path / "memory.png") as png:
        assert png.width == 1875
    assert len(svg) < 80_000
    assert (tmp_path / "memory.png").stat().st_size < 400_000


def test_an_axis_that_does_not_begin_at_0_says_so(tmp_path: Path) -> None:
    """GIVEN 12 of 81 MB THEN the axis is closer, and says where it begins; a larger difference is seen from 0."""
    assert "(axis from 68, not from 0)" in drawn(outcomes.scenario("regressed"), tmp_path)
    large = outcomes.scenario("regressed", head_runs=outcomes.runs("head", 60.0))
    svg = drawn(large, tmp_path)
    assert "not from 0" not in svg
    assert ">0<" in svg


def test_limits_are_drawn_or_told(tmp_path: Path) -> None:
    """GIVEN limits above the axis, on it and below it THEN each is told, and the one that is near is a line."""
    far = drawn(outcomes.scenario("regressed", budget=LIMITS), tmp_path)
    assert "above this axis: budget 2,048 MB, memory of the VM 4,096 MB" in far
    large = {"base_runs": outcomes.runs("base"), "head_runs": outcomes.runs("head", 60.0)}
    near = drawn(
        outcomes.scenario("regressed", budget=replace(LIMITS, tree_limit_mb=150.0), **large), tmp_path
    )
    assert ">budget 150.0 MB<" in near
    assert "above this axis: memory of the VM 4,096 MB" in near
    below = drawn(outcomes.scenario("regressed", budget=replace(LIMITS, tree_limit_mb=50.0)), tmp_path)
    assert "above this axis: memory of the VM 4,096 MB; below this axis: budget 50.0 MB" in below
    assert "this axis" not in drawn(outcomes.scenario("regressed"), tmp_path)


def test_a_side_without_a_curve_is_told(tmp_path: Path) -> None:
    """GIVEN a baseline that remembers no curve THEN head is drawn, and base is said to have none."""
    svg = drawn(outcomes.scenario("regressed", base_runs=outcomes.runs("base", curve=())), tmp_path)
    assert "thin: no curve of base and 6 runs of head" in svg
    assert ">base<" not in svg


def test_runs_that_died_are_counted(tmp_path: Path) -> None:
    """GIVEN two runs that were killed, whose curves end early THEN the picture does not look harmless."""
    assert "6 runs of head (2 did not survive)" in drawn(outcomes.died(), tmp_path)


@pytest.mark.parametrize("more_mb", [0.0, 0.2, 11.9])
def test_names_never_stand_on_each_other(tmp_path: Path, more_mb: float) -> None:
    """GIVEN medians that end in one place, or not THEN their names are a line apart."""
    svg = drawn(outcomes.scenario(head_runs=outcomes.runs("head", more_mb)), tmp_path)
    heights = []
    for name in ("base", "head"):
        (line,) = [line for line in svg.splitlines() if f">{name}</text>" in line]
        heights.append(float(line.split('y="')[1].split('"')[0]))
    assert abs(heights[0] - heights[1]) >= 11


def test_nothing_to_draw_is_not_drawn(tmp_path: Path) -> None:
    """GIVEN no curve on either side THEN there is no picture."""
    nothing = outcomes.scenario("invalid", base_runs=(), head_runs=())
    assert write_curves(nothing, tmp_path / "memory.svg", tmp_path / "memory.png") is False
    assert list(tmp_path.iterdir()) == []


def test_matplotlib_is_loaded_only_to_draw() -> None:
    """The command line starts without it."""
    code = "import sys, profiles.gate.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
