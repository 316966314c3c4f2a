"""What runs already, watched for real: its end, Ctrl-C, a kernel kill, a restart in its group; and nothing touched."""

from __future__ import annotations

import contextlib
import json
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiles import processes
from profiles.run_folder import RunFolder
from profiles.vm import open_vm
from profiles.vm_size import VmSize

pytestmark = pytest.mark.slow

TELLS = tuple(map(int, platform.release().split(".")[:2])) >= (6, 15)
"""Whether this kernel tells how a process ended that is not our child."""
HOLDS = "held = bytearray(b'x') * (30 << 20); print('up', flush=True); "
"""A program that holds 30 MB and says so."""
CONTROL = Path(__file__).parents[1] / "controls" / "server.py"


@contextlib.contextmanager
def program(code: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that reads a line and then goes on; it is up when this gives it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


@contextlib.contextmanager
def watching(out: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`oomproof attach`, from when it says that it watches and has begun to."""
    command = [sys.executable, "-m", "profiles.cli", "attach", *arguments, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        await_samples(out, process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        print(output)


def run_in(out: Path) -> RunFolder:
    """The one run folder there."""
    return RunFolder(next(out.glob("*/run.json")).parent)


def verdict(out: Path) -> Any:
    """The verdict of the one run there."""
    return run_in(out).verdict


def statuses(out: Path) -> list[object]:
    """How the server ended, each time."""
    return [event.facts["returncode"] for event in run_in(out).named("exited")]


def test_a_process_is_watched_to_its_end(tmp_path: Path) -> None:
    """GIVEN a process WHEN it ends with status 3 THEN the run is over, and says how it ended where the kernel does."""
    with (
        program("input(); raise SystemExit(3)") as target,
        watching(tmp_path / "out", "--pid", str(target.pid)) as attach,
    ):
        assert target.stdin is not None
        target.stdin.write(b"\n")
        target.stdin.flush()
        target.wait(60)
        assert attach.wait(60) == (1 if TELLS else 4)
    found = verdict(tmp_path / "out")
    assert statuses(tmp_path / "out") == [3 if TELLS else None]
    assert found["verdict"] == ("crashed" if TELLS else "invalid")
    assert (found["load_kind"], found["vm_backend"], found["ended_because"]) == (
        "none",
        "attached",
        "the process ended",
    )
    assert 30 < found["peak_server_rss_mb"] < 60
    assert found["requests"] is None
    assert found["stalls"] is None
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_watching_gets_the_verdict(tmp_path: Path, number: signal.Signals) -> None:
    """GIVEN a process that lives WHEN watching is ended THEN it survived, with exit code 0, and it lives on."""
    with program("input()") as target:
        with watching(tmp_path / "out", "--pid", str(target.pid)) as attach:
            attach.send_signal(number)
            assert attach.wait(60) == 0
        assert target.poll() is None
    found = verdict(tmp_path / "out")
    assert (found["verdict"], found["ended_because"]) == ("survived", "watching was ended")
    assert run_in(tmp_path / "out").run["target"]["server_pid"] == target.pid  # type: ignore[index]  # JSON


def test_a_killed_watcher_leaves_the_target_and_its_samples(tmp_path: Path) -> None:
    """GIVEN SIGKILL for the watcher THEN the target lives on, and what was written can be judged."""
    with program("input()") as target:
        with watching(tmp_path / "out", "--pid", str(target.pid), "--for", "1h") as attach:
            attach.kill()
            attach.wait()
        folder = run_in(tmp_path / "out").path
        with contextlib.suppress(subprocess.TimeoutExpired):
            target.wait(1.0)
        assert target.poll() is None
    assert RunFolder(folder).samples
    judged = subprocess.run([sys.executable, "-m", "profiles.cli", "judge", str(folder)], check=False)
    assert judged.returncode == 4
    assert json.loads((folder / "verdict.json").read_text())["verdict"] == "invalid"


@pytest.mark.kernel
def test_a_kernel_kill_is_seen_and_named(tmp_path: Path) -> None:
    """GIVEN a server in a group of 128 MB WHEN it outgrows it THEN the verdict is a kernel kill of the server."""
    (tmp_path / "vm").mkdir()
    with open_vm(tmp_path / "vm", VmSize(128, 2, 0.125), 500.0) as vm:
        grow = (
            HOLDS
            + "import time; time.sleep(3)\nmore = []\nwhile True: more.append(bytearray(b'x') * (1 << 20))"
        )
        server = vm.start_server([sys.executable, "-c", grow], tmp_path / "log", {})
        with watching(tmp_path / "out", "--pid", str(server.pid)) as attach:
            assert server.wait(60) == -signal.SIGKILL
            assert attach.wait(60) == 1
    found = verdict(tmp_path / "out")
    assert (found["verdict"], found["victim_role"], found["oom_kills"]) == ("oom_killed", "server", 1)
    assert found["vm_memory_mb"] == 128
    assert [death["cause"] for death in found["deaths"]] == ["memcg_kill"]


@pytest.mark.kernel
def test_a_server_that_comes_back_in_its_group_was_restarted(tmp_path: Path) -> None:
    """GIVEN a group whose server ends WHEN another starts in it THEN it is watched on, as a container is."""
    (tmp_path / "vm").mkdir()
    with open_vm(tmp_path / "vm", VmSize(128, 2, 0.125), 500.0) as vm:
        first = vm.start_server(
            [sys.executable, "-c", HOLDS + "import time; time.sleep(600)"], tmp_path / "log", {}
        )
        folder = vm.walls.hierarchy.folders(vm.walls.name)[0]  # type: ignore[attr-defined]  # a control group here
        with watching(tmp_path / "out", "--cgroup", str(folder)) as attach:
            processes.stop(first)
            second = vm.start_server(
                [sys.executable, "-c", HOLDS + "import time; time.sleep(600)"], tmp_path / "log", {}
            )
            await_event(tmp_path / "out", "restarted", attach)
            attach.send_signal(signal.SIGINT)
            attach.wait(60)
        assert second.poll() is None
    run = run_in(tmp_path / "out")
    assert run.named("restarted")[0].facts["pid"] == second.pid
    assert verdict(tmp_path / "out")["restarts"] == 1
    assert statuses(tmp_path / "out") == [-signal.SIGTERM if TELLS else None]


def await_samples(out: Path, process: subprocess.Popen[str]) -> None:
    """Return once something was measured of what is watched."""
    await_event(out, "load_started", process)
    count = len(run_in(out).samples)
    for _ in range(300):
        if len(run_in(out).samples) > count + 2:
            return
        select.select([], [], [], 0.1)
    pytest.fail("no samples within 30 s")


def await_event(out: Path, name: str, process: subprocess.Popen[str]) -> None:
    """Return once the run has noted that event."""
    for _ in range(300):
        if list(out.glob("*/run.json")) and run_in(out).named(name):
            return
        assert process.poll() is None, "it ended"
        select.select([], [], [], 0.1)
    pytest.fail(f"no {name} within 30 s")
