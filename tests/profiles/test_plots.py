from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from profiles.memory_trace import MemoryTrace, read_memory_trace
from profiles.plot_panel import WAITING
from profiles.plots import panel_svg, write_memory_figure
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]


def trace(folder: Path, name: str = "live") -> MemoryTrace:
    """The panel of a run on a 4 GB VM with a budget of 2 GB."""
    return read_memory_trace(
        RunFolder(folder), name=name, subtitle="oom_killed", limit_mb=4096, budget_mb=2048
    )


def test_the_same_runs_give_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    """A committed picture changes only when what it shows has changed."""
    traces = [trace(make_run("live")), trace(make_run("cached"), "cached")]
    for name in ("one", "two"):
        write_memory_figure(traces, tmp_path / f"{name}.svg", tmp_path / f"{name}.png")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert panel_svg(traces[0], 4.0) == panel_svg(traces[0], 4.0)


@pytest.mark.parametrize("panels", [1, 3, 4])
def test_the_picture_is_readme_wide_and_small(make_run: MakeRun, tmp_path: Path, panels: int) -> None:
    """900 px wide as SVG (in points), twice that as PNG, and light enough for a repository."""
    traces = [trace(make_run("live", length_s=600.0))] * panels
    write_memory_figure(traces, tmp_path / "memory.svg", tmp_path / "memory.png")
    root = ET.parse(tmp_path / "memory.svg").getroot()  # noqa: S314 - our own file
    assert root.get("width") == "675pt"
    with Image.open(tmp_path / "memory.png") as png:
        assert png.width == 1875
    assert (tmp_path / "memory.svg").stat().st_size < 30_000 * (panels + 1)
    assert (tmp_path / "memory.png").stat().st_size < 400_000


def test_kills_bounds_and_names_are_written_in_the_picture(make_run: MakeRun) -> None:
    """A reader finds the limit, the budget, the victims and the restart by name, as text."""
    svg = panel_svg(trace(make_run("live")), 4.0)
    for text in ("4 GB limit", "2 GB budget", "server killed 24 s", "+ 2 children 24-25 s", "restarted 26 s"):
        assert f">{text}<" in svg


def test_who_waited_stands_below_the_memory(make_run: MakeRun, tmp_path: Path) -> None:
    """A reader who waited is drawn; where nobody did, or nobody read, the strip says so in words."""
    waited = panel_svg(trace(make_run("live")), 4.0)
    assert WAITING in waited
    assert ">waiting<" in waited
    calm = make_run("cached")
    requests = (calm / "requests.csv").read_text().replace(",0.4,", ",0.2,")
    (calm / "requests.csv").write_text(requests)
    nobody = panel_svg(trace(calm), 4.0)
    assert WAITING not in nobody
    assert ">nobody waits<" in nobody
    assert ">no readers<" in panel_svg(trace(tmp_path), 4.0)


def test_nothing_to_draw_is_drawn_empty(tmp_path: Path) -> None:
    """A scenario without samples has its panel, with the limit in it; no scenario at all is no error."""
    assert "4 GB limit" in panel_svg(trace(tmp_path), 4.0)
    write_memory_figure([], tmp_path / "memory.svg", tmp_path / "memory.png")
    assert (tmp_path / "memory.svg").stat().st_size > 0


def test_a_limit_that_nobody_found_is_not_drawn(make_run: MakeRun) -> None:
    """GIVEN a run that was only watched, without a limit THEN none is made up, and the scale is what was held."""
    run = make_run("live")
    unlimited = read_memory_trace(RunFolder(run), name="x", subtitle="", limit_mb=None, budget_mb=None)
    assert " limit" not in panel_svg(unlimited, unlimited.top_gb)
    assert unlimited.top_gb == max(
        gb for line in (unlimited.anon, unlimited.server) for gb in line.gb if gb > 0
    )


def test_a_small_vm_is_drawn_in_mb(make_run: MakeRun, tmp_path: Path) -> None:
    """GIVEN a VM of 256 MB THEN its axis and its limit are in MB, with whole numbers."""
    small = read_memory_trace(
        RunFolder(make_run("live")), name="x", subtitle="", limit_mb=256, budget_mb=None
    )
    drawn = panel_svg(small, small.top_gb)
    for text in ("memory, MB", "256 MB limit", ">192<", ">64<"):
        assert text in drawn
    assert "memory, GB" in panel_svg(trace(tmp_path), 4.0)


def test_matplotlib_is_loaded_only_to_draw() -> None:
    """The command line starts without it."""
    code = "import sys, profiles.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
