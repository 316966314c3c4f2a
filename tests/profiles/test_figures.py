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
