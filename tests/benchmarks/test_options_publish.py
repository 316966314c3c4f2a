"""What of a run gets into the repository: nothing that names a machine's folders, and every figure."""

from pathlib import Path

import pytest

from benchmarks.options_publish import LEFT_OUT, main, make_publishable
from profiles.heap_record import HeapRecord, read_heap, save_heap
from tests.benchmarks.option_folders import make_run


def test_logs_are_told_from_the_root(tmp_path: Path) -> None:
    """GIVEN a log that names where its run was written THEN the folders above the repository go, and nothing else."""
    folder = make_run(tmp_path, "balance-500/live-1")
    (folder / "load.log").write_bytes(
        b"/home/somebody/x/reports/options/balance-500/live-1/chapters.json: 160 blocks\n"
        b"see reports/options/a and '/srv/reports/options/b', GET /api/tts \xff\n"
    )
    (folder / "server.log").write_text("/home/x/.venv/bin/python -m memray\nGET /api/health 200\n")
    before = (folder / "verdict.json").read_bytes()
    assert make_publishable(folder)
    assert (folder / "load.log").read_bytes() == (
        b"reports/options/balance-500/live-1/chapters.json: 160 blocks\n"
        b"see reports/options/a and 'reports/options/b', GET /api/tts \xff\n"
    )
    assert (folder / "server.log").read_text() == ".venv/bin/python -m memray\nGET /api/health 200\n"
    assert (folder / "verdict.json").read_bytes() == before
    assert not make_publishable(folder)


def test_flame_graphs_go_and_the_heap_says_so(tmp_path: Path) -> None:
    """GIVEN a capture with its flame graphs THEN they go, its report links to none, and its figures stay."""
    folder = make_run(tmp_path, "balance-500/live-memray-1")
    save_heap(
        HeapRecord(scenario="live-memray", capture="heap.bin", peak_bytes=5, flame_graph="heap-flame.html"),
        folder,
    )
    for name in ("heap-flame.html", "heap-flame-over-time.html", "heap.bin", "heap.1.bin", "memray.log"):
        (folder / name).write_text("/usr/lib/python3")
    assert make_publishable(folder)
    assert sorted(path.name for path in folder.glob("heap*")) == [
        "heap.bin",
        "heap.html",
        "heap.json",
        "heap.md",
    ]
    assert not (folder / "memray.log").exists()
    record = read_heap(folder)
    assert record is not None
    assert (record.peak_bytes, record.flame_graph, record.notes) == (5, None, (LEFT_OUT,))
    assert "heap-flame" not in (folder / "heap.md").read_text() + (folder / "heap.html").read_text()


def test_graphs_without_a_record_go_too(tmp_path: Path) -> None:
    """GIVEN a flame graph beside a record that cannot be read THEN it goes all the same."""
    folder = make_run(tmp_path, "balance-500/live-memray-1")
    (folder / "heap-flame.html").write_text("a page")
    assert make_publishable(folder)
    assert list(folder.glob("heap*")) == []


def test_all_runs_are_gone_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN two runs of which one names a folder THEN that one is changed, and both are looked at."""
    (make_run(tmp_path, "balance-500/live-1") / "load.log").write_text("/a/reports/options/b\n")
    make_run(tmp_path, "balance-5/live-1")
    assert main(["--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 run changed\n"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a log that is none THEN one line says so."""
    (make_run(tmp_path, "balance-500/live-1") / "load.log").mkdir()
    assert main(["--out", str(tmp_path)]) == 2
    assert "load.log" in capsys.readouterr().err
