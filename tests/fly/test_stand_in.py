"""The stand-in as a process: what it leaves behind, which is nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from profiles import processes
from profiles.machine import find_hierarchy
from profiles.walls import NAME_PREFIX
from tests.fly.stand_in import StandIn, await_app, standing_in

pytestmark = pytest.mark.kernel

SMALL = ("--memory", "512MB", "--scrape-s", "0.2", "--pause-s", "0.5")


def wait_until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def server_of(fly: StandIn) -> psutil.Process:
    """The main process of the machine."""
    children = psutil.Process(fly.process.pid).children()
    return next(child for child in children if "reference_server" in child.cmdline())


def left(pids: list[int]) -> list[int]:
    """Which of them are still there."""
    return [
        pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def groups(owner: int) -> list[str]:
    """The VMs of a process."""
    return [path.name for path in find_hierarchy().folders("")[0].glob(f"{NAME_PREFIX}{owner}-*")]


def test_the_volume_stays_and_the_root_does_not(tmp_path: Path) -> None:
    """GIVEN a file on the volume and one on the root WHEN the server is killed THEN it is back with the first only."""
    with standing_in(tmp_path, *SMALL) as fly:
        first = server_of(fly)
        kept, lost = tmp_path / "volume" / "kept", Path(first.environ()["TMPDIR"]) / "lost"
        kept.touch()
        lost.touch()
        first.kill()
        wait_until(lambda: len(fly.truth()["deaths"]) == 1)
        await_app(fly)
        assert server_of(fly).pid != first.pid
        assert (kept.exists(), lost.exists()) == (True, False)
        death = fly.truth()["deaths"][0]
        assert (death["returncode"], death["oom_killed"], death["restarted"]) == (-9, False, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """GIVEN a running stand-in WHEN it is ended by any signal THEN server, upstream and VM are gone."""
    with standing_in(tmp_path, *SMALL) as fly:
        below = [child.pid for child in psutil.Process(fly.process.pid).children(recursive=True)]
        assert len(below) == 3  # the server, its speech upstream, the VM's recorder
        assert groups(fly.process.pid)
        fly.process.send_signal(number)
        status = fly.process.wait(30)
        assert status == (-9 if number == signal.SIGKILL else 0)
        wait_until(lambda: not left(below) and not groups(fly.process.pid))


def test_it_ends_with_the_test_that_started_it(tmp_path: Path) -> None:
    """GIVEN a test that is killed THEN its stand-in ends too."""
    code = (
        "import sys, time, pathlib; from tests.fly.stand_in import standing_in\n"
        f"with standing_in(pathlib.Path(sys.argv[1]), *{SMALL!r}) as fly:\n"
        "    print(fly.process.pid, flush=True); time.sleep(60)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [*processes.python_module("unused")[:1], "-c", code, str(tmp_path)]
    test = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2])
    assert test.stdout is not None
    pid = int(test.stdout.readline())
    below = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    test.kill()
    test.communicate()
    wait_until(lambda: not left(below) and not groups(pid))


def test_the_memory_that_it_tells_is_the_vms(tmp_path: Path) -> None:
    """GIVEN a VM of 512 MB with a server in it THEN total and available say so."""
    with standing_in(tmp_path, *SMALL) as fly:
        wait_until(lambda: "fly_instance_memory_mem_available" in fly.newest())
        newest = fly.newest()
    total, available = (newest[f"fly_instance_memory_mem_{name}"] for name in ("total", "available"))
    assert total == 512 * 2**20
    assert 20 < (total - available) / 2**20 < 200
    assert 0 < newest["fly_instance_cpu_balance"] <= 50_000
