"""A server that leaks a known size in each session is found, to the line and to the byte; one that is killed too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.heap_record import read_heap

ROOT = Path(__file__).parents[2]
CONTROLS = ROOT / "tests" / "controls"
LEAKED_BYTES = 256 * 1024
"""What `applications.py` never gives back of a session in its mode `leak_per_session`."""

pytestmark = [pytest.mark.slow, pytest.mark.kernel]


def oomproof(folder: Path, control: str, memory: str, *words: str) -> tuple[int, str]:
    """Run a command on a control with visitors of two seconds; return the exit code and the output."""
    path = folder / f"{control}.toml"
    server = json.dumps([sys.executable, str(CONTROLS / "applications.py"), control, "{port}"])
    load = json.dumps([sys.executable, str(CONTROLS / "visitors.py"), "2"])
    path.write_text(
        f'[vm]\nmemory = "{memory}"\n[target]\ncommand = {server}\nhealth = "/api/health"\n'
        f'[load]\nkind = "command"\ncommand = {load}\nsession_s = 10\npace = 1\n'
    )
    command = [sys.executable, "-m", "profiles.cli", *words, str(path), "--out", str(folder / "out")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.returncode, done.stdout + done.stderr


def test_a_leak_is_found_to_the_line_and_to_the_byte(tmp_path: Path) -> None:
    """GIVEN 256 KiB leaked in each session WHEN two waves are played THEN one line grows, by just that."""
    status, output = oomproof(tmp_path, "leak_per_session", "256MB", "profile")
    assert status == 0, output
    heap = read_heap(tmp_path / "out" / "leak_per_session")
    assert heap is not None
    assert heap.waves is not None, output
    assert heap.waves.sessions is not None
    assert min(heap.waves.sessions) > 0
    (site,) = [site for site in heap.waves.sites if site.course == "grows"]
    assert (site.file, site.function) == ("tests/controls/applications.py", "hold")
    assert site.bytes_per_session == pytest.approx(LEAKED_BYTES, rel=0.01)
    assert (
        json.loads((tmp_path / "out" / "leak_per_session" / "verdict.json").read_text())["profiled"] is True
    )


def test_a_server_that_the_kernel_killed_leaves_its_whole_capture(tmp_path: Path) -> None:
    """GIVEN run --memray of a server that grows to its limit WHEN the kernel kills it THEN its peak is told by line."""
    status, output = oomproof(tmp_path, "oom", "96MB", "run", "--memray")
    run = tmp_path / "out" / "oom"
    assert status == 1, output
    verdict = json.loads((run / "verdict.json").read_text())
    assert verdict["server_kills"] > 0
    heap = read_heap(run)
    assert heap is not None
    assert heap.ended_whole is False
    assert (heap.sites[0].file, heap.sites[0].function) == ("tests/controls/applications.py", "hold")
    assert heap.peak_bytes is not None
    assert heap.sites[0].bytes > heap.peak_bytes / 2
    assert heap.no_waves == "the load was played once"
    assert (heap.moment("end"), heap.moment("vm_peak")).count(None) == 0
    assert "<html" in (run / str(heap.flame_graph)).read_text(encoding="utf-8")[:1000].lower()
    assert "What held the server's heap" in (tmp_path / "out" / "report.md").read_text()
