from __future__ import annotations

import json
from pathlib import Path

from profiles.figures import mb_per_reader, memory
from profiles.run_folder import RunFolder
from profiles.vm_size import MIB


def test_memory_per_reader_is_the_rise_by_all_of_them() -> None:
    """GIVEN a rise of 30 MB above the first value THEN ten readers took 3 each, however it ended."""
    assert mb_per_reader([20.0 * MIB, 50.0 * MIB, 10.0 * MIB], 10) == 3.0


def test_memory_that_only_fell_is_no_readers() -> None:
    """GIVEN a first value that was the highest THEN nobody took anything."""
    assert mb_per_reader([50.0 * MIB, 20.0 * MIB], 10) == 0.0


def test_without_readers_or_samples_there_is_nothing_to_divide() -> None:
    """GIVEN no samples, or a load without readers THEN it is not known."""
    assert mb_per_reader([], 10) is None
    assert mb_per_reader([1.0], None) is None


def test_what_was_before_the_load_is_not_in_its_figures(tmp_path: Path) -> None:
    """GIVEN a server that was large while it was prepared THEN peak and memory per reader are those under load."""
    rows = ["1,900", "4,900", "10,100", "12,140", "14,120", "21,800"]
    lines = [f"{t},{int(mb) * MIB}" for t, mb in (row.split(",") for row in rows)]
    (tmp_path / "samples.csv").write_text("\n".join(["t,server_rss_bytes", *lines]) + "\n")
    events = [{"t": 10, "event": "load_started"}, {"t": 20, "event": "load_ended"}]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    found = memory(RunFolder(tmp_path), readers=20)
    assert (found["peak_tree_rss_mb"], found["vm_mb_per_reader"]) == (140.0, 2.0)
    assert (found["duration_s"], found["samples"], found["cpu_s"]) == (4.0, 3, None)


def figures_of(folder: Path, heading: str, *rows: str, events: str = "") -> dict[str, object]:
    """The figures of a run of these samples, a second apart, all under load."""
    lines = [heading, *(f"{t},{row}" for t, row in enumerate(rows))]
    (folder / "samples.csv").write_text("\n".join(lines) + "\n")
    (folder / "events.jsonl").write_text(events)
    return memory(RunFolder(folder), readers=None)


def test_what_was_never_measured_has_no_peak(tmp_path: Path) -> None:
    """GIVEN samples of nothing but their time THEN every peak is unknown, and none is zero."""
    found = figures_of(tmp_path, "t,vm_bytes", "", "")
    peaks = {key for key in found if "peak" in key or key == "limit_hits"}
    assert {"peak_vm_mb", "peak_children", "peak_swap_mb", "peak_vm_psi_full", "peak_server_fds"} < peaks
    assert {found[key] for key in peaks} == {None}


def test_empty_cells_between_do_not_hide_a_peak(tmp_path: Path) -> None:
    """GIVEN columns that are taken now and then THEN their peak is of those that were."""
    heading = "t,server_fds,server_threads,vm_psi_full,swap_bytes,limit_hits"
    found = figures_of(tmp_path, heading, "12,3,0.5,0,7", ",,,,", f"40,2,12.25,{3 * MIB},19", ",,,,")
    assert (found["peak_server_fds"], found["peak_server_threads"], found["peak_vm_psi_full"]) == (
        40,
        3,
        12.25,
    )
    assert (found["peak_swap_mb"], found["limit_hits"]) == (3.0, 19)


def test_children_are_counted_only_where_they_were_seen(tmp_path: Path) -> None:
    """GIVEN samples with a server, without one, and of a VM that could not be seen THEN the last counts for nothing."""
    heading = "t,server_rss_bytes,children_rss_bytes,processes"
    assert figures_of(tmp_path, heading, "9,9,3", ",9,1", ",,7")["peak_children"] == 2


def test_the_kernels_peak_of_the_server_is_the_highest_that_was_told(tmp_path: Path) -> None:
    """GIVEN a checkpoint and the end THEN the kernel's peak is the higher; unknown in a run that tells none."""
    events = "".join(
        json.dumps({"t": 1, "event": event, "server_peak_rss_bytes": size}) + "\n"
        for event, size in (("checkpoint", 5 * MIB), ("checkpoint", None), ("recorded", 7 * MIB))
    )
    assert figures_of(tmp_path, "t,vm_bytes", "1", events=events)["kernel_peak_server_rss_mb"] == 7.0
