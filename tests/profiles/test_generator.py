"""Series of a generator in, judgement out: each resource at its exact boundary."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.generator import generator_figures, processes_of, saturation
from profiles.run_folder import LOAD_COLUMNS, LoadSample, RunFolder
from profiles.vm_size import MIB

SECONDS = 31


def series(
    process: str = "0",
    *,
    cpu_share: float = 0.1,
    lags_s: tuple[float, ...] = (),
    open_files: int = 10,
    idle_s: int = 1,
    rss_mb: float = 50,
) -> list[LoadSample]:
    """A row a second: `idle_s` without readers, then one of these lags each."""
    lag_s = dict(enumerate(lags_s, start=idle_s))
    return [
        LoadSample(
            float(i), process, 5 + i * cpu_share, lag_s.get(i, 0.0), rss_mb * MIB, open_files, 100,
            0 if i < idle_s else 4,
        )
        for i in range(idle_s + SECONDS)
    ]  # fmt: skip


def test_a_calm_generator_kept_up() -> None:
    """GIVEN two processes at a tenth of a core THEN nothing speaks against them."""
    assert saturation({"0": series(), "1": series("1")}) == []


@pytest.mark.parametrize(("share", "saturated"), [(0.899, False), (0.91, True)])
def test_a_process_has_one_core(share: float, saturated: bool) -> None:  # noqa: FBT001 - a table's column
    """GIVEN one of two processes above 0.9 of a core THEN it is named, with the way out; below it is not."""
    found = saturation({"0": series(), "1": series("1", cpu_share=share)})
    assert bool(found) == saturated
    assert not saturated or found == [
        "load: process 1 used 0.91 of a core over 10 s, more than 0.9: more --processes, or fewer readers"
    ]


def test_ten_busy_seconds_are_enough() -> None:
    """GIVEN ten busy seconds in a calm run THEN the generator had no time left; nine and a half do not tell."""
    cpu_s = [5.0 + min(max(i - 10, 0), 10) for i in range(40)]
    rows = [row._replace(cpu_s=cpu) for row, cpu in zip(series(), cpu_s, strict=False)]
    assert "used 1.00 of a core" in saturation({"0": rows})[0]
    short = [row._replace(cpu_s=5.0 + min(max(i - 10, 0), 8.9)) for i, row in enumerate(series())]
    assert saturation({"0": short}) == []


def test_a_run_shorter_than_the_window_is_not_judged_by_cpu() -> None:
    """GIVEN nine busy seconds in all THEN no ten of them are known."""
    assert saturation({"0": series(cpu_share=1.0)[:10]}) == []


@pytest.mark.parametrize(
    ("lags_s", "saturated"), [((0.6,) * 2, False), ((0.6,) * 3, True), ((0.5,) * 9, False)]
)
def test_a_lag_that_readers_feel_may_be_rare(lags_s: tuple[float, ...], saturated: bool) -> None:  # noqa: FBT001
    """GIVEN a loop more than half a second late THEN two hiccups pass, three in half a minute do not."""
    found = saturation({"0": series(lags_s=lags_s)})
    assert bool(found) == saturated
    assert not saturated or "more than 0.5 s behind its timers in 3 of 31 rows, 0.6 s at worst" in found[0]


def test_three_lags_in_a_long_run_are_rare() -> None:
    """GIVEN three late rows of four hundred THEN it is less than one in a hundred."""
    rows = [row._replace(t=row.t + SECONDS * k) for k in range(13) for row in series(idle_s=0)]
    late = [row._replace(loop_lag_s=0.6) if i < 3 else row for i, row in enumerate(rows)]
    assert saturation({"0": [row._replace(cpu_s=None) for row in late]}) == []


@pytest.mark.parametrize(("open_files", "saturated"), [(94, False), (95, True)])
def test_open_files_near_their_limit(open_files: int, saturated: bool) -> None:  # noqa: FBT001
    """GIVEN 95 of 100 files open THEN the limit is told, and how to raise it."""
    found = saturation({"0": series(open_files=open_files)})
    assert bool(found) == saturated
    assert not saturated or "had 95 of 100 files open: raise `ulimit -n`" in found[0]


def test_what_was_before_the_readers_does_not_count() -> None:
    """GIVEN a preparation that took all there was THEN it is not the readers' generator."""
    busy = [
        row._replace(cpu_s=float(row.t), loop_lag_s=9.0, open_files=100) if row.t < 20 else row
        for row in series(idle_s=20)
    ]
    assert saturation({"0": busy}) == []
    assert generator_figures({"0": busy}, 4)["load_open_files_peak"] == 10


def test_memory_per_reader_is_what_came_with_them() -> None:
    """GIVEN two processes that grew by 30 and 10 MB from their last row without readers THEN 10 readers took 4 each."""
    grown = [row._replace(rss_bytes=80 * MIB) if row.t == 9 else row for row in series()]
    other = [row._replace(rss_bytes=60 * MIB) if row.t > 9 else row for row in series("1")]
    before = [grown[0]._replace(t=-1.0, rss_bytes=500 * MIB)]
    assert generator_figures({"0": before + grown, "1": other}, 10)["load_mb_per_reader"] == 4.0


def test_memory_from_before_the_readers_that_nobody_knows_is_not_made_up() -> None:
    """GIVEN a first row that has readers already THEN no memory per reader is told."""
    assert generator_figures({"0": series(idle_s=0)}, 10)["load_mb_per_reader"] is None


def test_the_figures_are_those_of_the_busiest_process() -> None:
    """GIVEN two processes THEN CPU and files are the highest of one, the lag is of all rows."""
    found = generator_figures(
        {"0": series(cpu_share=0.2, open_files=7), "1": series("1", lags_s=(0.25,) * 31)}, 8
    )
    assert found["load_processes_cpu_share_max"] == 0.2
    assert found["load_open_files_peak"] == 10
    assert found["load_loop_lag_p99_ms"] == 250.0


def test_nothing_measured_is_nothing_known() -> None:
    """GIVEN no generator.csv THEN every figure is None, and nothing is said of what nobody saw."""
    assert set(generator_figures({}, 8).values()) == {None}
    assert saturation({}) == []


def test_rows_of_several_processes_come_in_batches(tmp_path: Path) -> None:
    """GIVEN the rows of two processes as a master gathers them, out of order THEN each is judged in its own order."""
    rows = [row for start in (20, 0, 10) for p in "01" for row in series(p)[start : start + 10]]
    lines = [",".join(map(str, row)) for row in rows]
    (tmp_path / "generator.csv").write_text("\n".join([",".join(LOAD_COLUMNS), *lines]) + "\n")
    processes = processes_of(RunFolder(tmp_path))
    assert {name: list(found) for name, found in processes.items()} == {
        "0": series()[:30],
        "1": series("1")[:30],
    }


@given(st.floats(0, 1), st.integers(0, 60))
def test_more_load_is_never_less_saturated(share: float, lagged: int) -> None:
    """A generator that kept up at some load kept up at any smaller one."""
    rows = series(cpu_share=share, lags_s=(0.6,) * lagged)
    less = series(cpu_share=share / 2, lags_s=(0.6,) * (lagged // 2))
    assert saturation({"0": rows}) or not saturation({"0": less})


@pytest.mark.parametrize(("busy_s", "told"), [(30, False), (200, True)])
def test_ten_busy_seconds_do_not_spoil_a_soak(busy_s: int, told: bool) -> None:  # noqa: FBT001  # a table's cell
    """GIVEN three hours of a generator that was busy for so long THEN a soak is spoiled by one row in 100 only."""
    cpu_s = [float(min(second, busy_s)) for second in range(10_800)]
    rows = [LoadSample(float(t), "0", used, 0.0, 1.0, 1.0, 100.0, 4.0) for t, used in enumerate(cpu_s)]
    assert saturation({"0": rows})
    assert bool(saturation({"0": rows}, for_days=True)) is told
