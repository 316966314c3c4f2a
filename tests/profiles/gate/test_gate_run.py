from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.gate.gate_run import MOST_POINTS, Point, gate_run, rounded, tenth, thinned
from profiles.gate.metrics import BY_NAME
from profiles.run_folder import RunFolder, RunFolderError
from profiles.verdict_record import VerdictRecord

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "reports" / "compare" / "cached"
MIB = 1024 * 1024

MakeRun = Callable[..., Path]


def record_of(folder: Path) -> VerdictRecord:
    """The verdict that lies in a run folder."""
    return VerdictRecord.model_validate(RunFolder(folder).verdict)


def write_run(folder: Path, rows: str, events: str = '{"t": 10, "event": "load_started"}\n') -> Path:
    """A run folder of a few samples."""
    head = "t,server_rss_bytes,children_rss_bytes,host_psi_some,vm_bytes,file_bytes"
    table = [head, *(row + "," * (head.count(",") - row.count(",")) for row in rows.splitlines())]
    (folder / "samples.csv").write_text("\n".join(table) + "\n")
    (folder / "events.jsonl").write_text(events)
    return folder


def test_a_published_run_has_its_published_figures() -> None:
    """GIVEN a run that was really measured THEN what the gate sees of it is what its verdict says."""
    run = gate_run(PUBLISHED, record_of(PUBLISHED))
    assert (run.verdict, run.met, run.duration_s, run.peak_vm_mb) == ("survived", True, 121.7, 104.5)
    assert run.figures == {
        "peak_tree_rss_mb": 66.2,
        "steady_rss_mb": 66.0,
        "peak_anon_mb": 50.8,
        "growth_bytes_per_session": None,
        "chunk_p95_ms": 9.6,
    }
    assert run.started_at == "2026-11-23T06:05:22+00:00"
    assert run.evidence == ("no kill, no restart, healthy after the load",)
    assert run.folder == PUBLISHED


def test_the_curve_of_a_published_run_shows_its_peak() -> None:
    """GIVEN 1,218 samples THEN at most 60 points are left, from the load's start to its end, the peak among them."""
    record = record_of(PUBLISHED)
    curve = gate_run(PUBLISHED, record).curve
    assert MOST_POINTS - 1 <= len(curve) <= MOST_POINTS
    assert max(mb for _, mb in curve) == record.peak_tree_rss_mb
    assert record.duration_s is not None
    assert 0 <= curve[0][0] < 0.2
    assert record.duration_s <= curve[-1][0] < record.duration_s + 0.2


def test_the_kernels_own_peak_counts_before_the_samples(make_run: MakeRun) -> None:
    """GIVEN a peak that the kernel counted THEN it is the run's, and without one the highest sample."""
    folder = make_run("cached")
    record = record_of(folder)
    assert gate_run(folder, record).peak_vm_mb == record.kernel_peak_vm_mb == 1402.0
    unknown = record.model_copy(update={"kernel_peak_vm_mb": None})
    assert gate_run(folder, unknown).peak_vm_mb == record.peak_vm_mb == 1310.5


def test_what_the_vm_keeps_is_its_memory_without_page_cache(tmp_path: Path) -> None:
    """GIVEN a VM full of page cache THEN the highest of what is left at one time counts, under load only."""
    rows = (
        f"9,,,,{900 * MIB},0\n10,,,,{400 * MIB},{350 * MIB}\n11,,,,{90 * MIB},{5 * MIB}\n12,,,,{300 * MIB},\n"
    )
    run = gate_run(write_run(tmp_path, rows), VerdictRecord(scenario="s", verdict="survived"))
    assert run.peak_vm_kept_mb == 85.0
    published = gate_run(PUBLISHED, record_of(PUBLISHED))
    assert (published.peak_vm_mb, published.peak_vm_kept_mb) == (104.5, 52.0)


def test_kills_are_those_that_were_counted(tmp_path: Path) -> None:
    """GIVEN kills in the VM THEN they are the run's, whatever its verdict."""
    record = VerdictRecord(scenario="s", verdict="invalid", oom_kills=2)
    assert gate_run(tmp_path, record).oom_kills == 2
    assert gate_run(tmp_path, record.model_copy(update={"oom_kills": None})).oom_kills is None


def test_a_kill_that_the_limit_is_not_to_blame_for_is_nobodys(tmp_path: Path) -> None:
    """GIVEN a machine that ran out of memory itself THEN how many head's own limit killed is not known."""
    events = '{"t": 10, "event": "oom_kill", "pid": 7, "whole_machine": true, "line": "Out of memory"}\n'
    run = gate_run(
        write_run(tmp_path, "", events), VerdictRecord(scenario="s", verdict="invalid", oom_kills=1)
    )
    assert run.oom_kills is None


def test_only_the_time_under_load_counts(tmp_path: Path) -> None:
    """GIVEN samples before and after the load THEN neither pressure nor memory of theirs is the run's."""
    rows = f"9,{900 * MIB},,90\n10,{70 * MIB},{2 * MIB},1.5\n11.004,{71 * MIB},,2.25\n12,{800 * MIB},,80\n"
    ended = '{"t": 10, "event": "load_started"}\n{"t": 11.5, "event": "load_ended"}\n'
    run = gate_run(write_run(tmp_path, rows, ended), VerdictRecord(scenario="s", verdict="survived"))
    assert run.host_psi_some == 2.25
    assert run.curve == ((0.0, 72.0), (1.0, 71.0))


def test_what_was_not_measured_is_none_and_no_point(tmp_path: Path) -> None:
    """GIVEN samples without a server or pressure THEN the curve leaves them out, and the pressure is unknown."""
    folder = write_run(tmp_path, f"10,,,\n11,{70 * MIB},,\n")
    run = gate_run(folder, VerdictRecord(scenario="s", verdict="crashed", evidence=("it ended",)))
    assert run.curve == ((1.0, 70.0),)
    assert (run.host_psi_some, run.peak_vm_mb, run.duration_s, run.started_at) == (None, None, None, "")
    assert run.peak_vm_kept_mb is None
    assert set(run.figures) == set(BY_NAME)
    assert set(run.figures.values()) == {None}
    assert run.evidence == ("it ended",)


def test_a_run_that_left_nothing_has_no_curve(tmp_path: Path) -> None:
    """A run that broke before its first sample is a run without one, and no error."""
    run = gate_run(tmp_path, VerdictRecord(scenario="s", verdict="invalid"))
    assert (run.verdict, run.curve) == ("invalid", ())


def test_a_damaged_folder_is_refused_with_its_place(tmp_path: Path) -> None:
    """A sample that no run writes is named, and not left out."""
    with pytest.raises(RunFolderError, match=r"samples\.csv:2: .*two"):
        gate_run(write_run(tmp_path, "10,two,,\n"), VerdictRecord(scenario="s", verdict="survived"))


def test_figures_are_rounded_to_a_tenth_and_zero_has_no_sign() -> None:
    """Values that are stored and values that are new are the same where they tie."""
    assert rounded({"a": 3.14159, "b": -0.04, "c": None}) == {"a": 3.1, "b": 0.0, "c": None}
    assert str(tenth(-0.04)) == "0.0"
    assert tenth(tenth(71.26)) == tenth(71.26)


POINTS = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e6)), min_size=1, max_size=300)


@given(points=POINTS, most=st.integers(3, MOST_POINTS))
def test_thinning_keeps_first_last_and_highest(points: list[Point], most: int) -> None:
    """GIVEN any curve THEN at most so many of its own points are left, in order, the peak and both ends among them."""
    left = thinned(points, most)
    assert len(left) <= most
    assert (left[0], left[-1]) == (points[0], points[-1])
    assert max(mb for _, mb in left) == max(mb for _, mb in points)
    remaining = iter(points)
    assert all(point in remaining for point in left)


def test_a_curve_is_thinned_only_where_it_is_too_long() -> None:
    """60 points stay as they are; of 61 some are left out, and never the peak."""
    curve = [(float(t), float(t == 30)) for t in range(MOST_POINTS + 1)]
    assert thinned(curve[1:]) == tuple(curve[1:])
    left = thinned(curve)
    assert len(left) in (MOST_POINTS - 1, MOST_POINTS)
    assert (30.0, 1.0) in left
