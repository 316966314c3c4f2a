from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import memory_trace
from profiles.memory_trace import Kill, MemoryTrace, Trace, downsample, kill_labels, read_memory_trace
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]


def read(folder: Path) -> MemoryTrace:
    """The panel of a run on a 4 GB VM with a budget of 2 GB."""
    return read_memory_trace(RunFolder(folder), name="live", subtitle="", limit_mb=4096, budget_mb=2048)


@given(st.lists(st.one_of(st.just(math.nan), st.floats(0, 8)), max_size=2000), st.integers(20, 300))
def test_downsampling_keeps_extremes_ends_and_order(values: list[float], points: int) -> None:
    """Whatever the series, its highest and lowest value stay, time runs forward, and little is left."""
    times = [float(t) for t in range(len(values))]
    trace = downsample(times, values, points)
    known, kept = ([v for v in series if not math.isnan(v)] for series in (values, trace.gb))
    assert max(kept, default=None) == max(known, default=None)
    assert min(kept, default=None) == min(known, default=None)
    assert list(trace.t_s) == sorted(set(trace.t_s))
    assert len(trace.t_s) <= points + 2
    assert trace.t_s[-1:] == tuple(times[-1:])


def test_a_long_gap_stays_a_gap() -> None:
    """Where nothing was measured, no line is drawn."""
    values = [1.0] * 500 + [math.nan] * 500 + [2.0] * 500
    trace = downsample([float(t) for t in range(1500)], values, 100)
    assert any(math.isnan(gb) for gb in trace.gb)


def test_examples_in_the_documentation_hold() -> None:
    """The doctest of the labels is true."""
    assert doctest.testmod(memory_trace).failed == 0


@pytest.mark.parametrize(
    ("kills", "restarts", "labels"),
    [
        ((), (), ()),
        ((Kill(24.2, "server"),), (), ("server killed 24 s",)),
        (
            (Kill(24, "server"), Kill(61, "server")),
            (26, 63),
            ("server 2 times killed 24-61 s", "restarted 2 times, 26-63 s"),
        ),
        ((Kill(9, "child"),), (), ("1 child killed 9 s",)),
        ((Kill(9, "process"),), (), ("1 process killed 9 s",)),
    ],
)
def test_labels_name_victims_and_times(
    kills: tuple[Kill, ...], restarts: tuple[float, ...], labels: tuple[str, ...]
) -> None:
    """The picture says who was killed, how often, and when, in seconds."""
    assert kill_labels(kills, restarts) == labels


def test_times_count_from_the_start_of_the_load(make_run: MakeRun) -> None:
    """Kills and restarts stand where the load's clock puts them."""
    trace = read(make_run("live"))
    assert [(round(kill.t_s, 1), kill.role) for kill in trace.kills] == [
        (24.3, "server"),
        (24.5, "child"),
        (25.1, "child"),
    ]
    assert [round(t_s, 1) for t_s in trace.restarts_s] == [26.3]
    assert (trace.limit_gb, trace.budget_gb) == (4.0, 2.0)


def test_the_picture_begins_shortly_before_the_load(make_run: MakeRun) -> None:
    """An uneventful start is not drawn at length."""
    assert read(make_run("cached")).anon.t_s[0] == pytest.approx(-5.0)


def test_a_peak_before_the_load_is_in_the_picture(make_run: MakeRun) -> None:
    """GIVEN memory that stood higher before the load than under it, THEN the whole run is drawn."""
    folder = make_run("cached")
    head, first, *rest = (folder / "samples.csv").read_text().splitlines()
    cells = first.split(",")
    cells[2] = str(3 * 1024**3)
    (folder / "samples.csv").write_text("\n".join([head, ",".join(cells), *rest]) + "\n")
    trace = read(folder)
    assert trace.anon.t_s[0] == pytest.approx(-8.0)
    assert max(trace.anon.gb) == 3.0


def test_the_highest_value_near_a_time() -> None:
    """A cross stands at the height from which memory fell, not where it fell to."""
    trace = Trace((0.0, 1.0, 2.0, 3.0), (1.0, 4.0, 0.0, math.nan))
    assert trace.highest(1.0, 2.0) == 4.0
    assert trace.highest(2.5, 3.5) == 0.0
    assert trace.highest(-2.0, -1.0) == 0.0


def test_a_run_without_samples_gives_an_empty_trace(tmp_path: Path) -> None:
    """A run that was cut off at once can still be reported."""
    trace = read(tmp_path)
    assert (trace.anon.t_s, trace.kills) == ((), ())
