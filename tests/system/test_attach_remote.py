"""The reference server, watched as one that is far away: by its own page, over loopback."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from profiles import processes
from profiles.run_folder import RunFolder

if TYPE_CHECKING:
    from tests.system.conftest import StartServer

pytestmark = pytest.mark.slow


def test_a_server_far_away_is_watched_beyond_its_restart(tmp_path: Path, start_server: StartServer) -> None:
    """GIVEN the reference server WHEN it is killed and started again THEN an end that nobody can explain."""
    port = processes.free_port()
    first = start_server(tmp_path / "store", PORT=str(port), METRICS_PORT="0")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "profiles.cli", "attach", "--url", f"http://127.0.0.1:{port}"]
    watching = subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        await_samples(out, 2, watching)
        first.kill()
        first.close()
        await_event(out, "unreachable", watching)
        start_server(tmp_path / "store", PORT=str(port), METRICS_PORT="0")
        await_event(out, "restarted", watching)
        before = len(folder(out).samples)
        await_samples(out, before + 1, watching)
    finally:
        watching.send_signal(signal.SIGINT)
        print(watching.communicate(timeout=60)[0].decode())
    assert watching.returncode == 4
    run = folder(out)
    verdict = json.loads((run.path / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["vm_backend"], verdict["restarts"]) == ("invalid", "remote", 1)
    assert verdict["evidence"][0] == "server: it ended, and nobody can tell how (exit status unknown)"
    assert [death["cause"] for death in verdict["deaths"]] == ["unknown"]
    assert 20 < verdict["peak_server_rss_mb"] < 200
    assert [event.event for event in run.events if event.event in {"exited", "restarted", "reachable"}] == [
        "exited", "restarted", "reachable",
    ]  # fmt: skip
    assert (out / "report.html").exists()


def folder(out: Path) -> RunFolder:
    """The one run folder there."""
    return RunFolder(next(out.glob("*/run.json")).parent)


def await_samples(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Return once so many samples were taken."""
    _await(lambda: list(out.glob("*/run.json")) and len(folder(out).samples) >= count, process)


def await_event(out: Path, name: str, process: subprocess.Popen[bytes]) -> None:
    """Return once that happened."""
    _await(lambda: folder(out).named(name), process)


def _await(condition: object, process: subprocess.Popen[bytes]) -> None:
    assert callable(condition)
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, "it ended"
        select.select([], [], [], 0.1)
    pytest.fail("not within 60 s")
