"""Real VMs: a real limit, real kernel kills, nothing left behind."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from profiles import processes
from profiles.errors import OomproofError
from profiles.event_log import EventLog
from profiles.machine import find_hierarchy
from profiles.run_folder import Event, RunFolder
from profiles.target import Server
from profiles.vm import Vm, open_vm
from profiles.vm_size import MIB, VmSize
from profiles.walls import NAME_PREFIX

pytestmark = pytest.mark.kernel

CONTROL = Path(__file__).parents[1] / "controls" / "server.py"
SMALL = VmSize(256, 2, 0.125)


def groups() -> set[str]:
    """The VMs there are on this machine now."""
    return {path.name for path in find_hierarchy().folders("")[0].glob(f"{NAME_PREFIX}*")}


def ours() -> set[str]:
    """Those of them that this process made: several test runs may share the machine."""
    return {name for name in groups() if name.startswith(f"{NAME_PREFIX}{os.getpid()}-")}


def wait_until(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Return once the condition holds; fail after `within_s`."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextlib.contextmanager
def control_server(folder: Path, size: VmSize = SMALL) -> Iterator[tuple[Vm, Server]]:
    """A control server in a real VM."""
    events = EventLog(folder)
    port = processes.free_port()
    with open_vm(folder, size, 500.0) as vm:
        command = [sys.executable, str(CONTROL), str(port)]
        server = Server(vm, command, port, folder / "server.log", {}, events)
        server.start()
        yield vm, server
    events.close()


def gone(pid: int) -> bool:
    """Whether a process has ended (init may take its time to reap it)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ask(server: Server, path: str) -> bool:
    """Ask the control server for something; return whether it lived to answer."""
    try:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=30):  # noqa: S310  # loopback
            return True
    except (OSError, http.client.HTTPException):
        return False


def named(folder: Path, name: str) -> list[Event]:
    """The events of that name."""
    return [event for event in RunFolder(folder).events if event.event == name]


def test_the_kernel_kills_the_server_at_the_limit_and_it_is_named(tmp_path: Path) -> None:
    """GIVEN a VM of 256 MB WHEN the server wants 400 THEN the kernel kills it; role and size are recorded."""
    with control_server(tmp_path) as (vm, server):
        assert not ask(server, "/grow?mb=400")
        wait_until(lambda: server.ended() == -signal.SIGKILL)
        wait_until(lambda: bool(named(tmp_path, "oom_kill")))
        assert vm.walls.read().oom_kills == 1
    kill = named(tmp_path, "oom_kill")[0]
    assert kill.text("role") == "server"
    assert 200 < float(kill.text("anon_rss_mb")) <= 256
    assert named(tmp_path, "recorded")[0].facts["peak_vm_bytes"] == pytest.approx(256 * MIB, rel=0.02)
    assert "Killed process" in (tmp_path / "kernel.log").read_text()


def test_nobody_is_killed_below_the_limit(tmp_path: Path) -> None:
    """GIVEN a VM of 256 MB WHEN the server wants 215 (with itself, about 90 %) THEN it lives."""
    with control_server(tmp_path) as (vm, server):
        assert ask(server, "/grow?mb=215")
        assert vm.walls.read().oom_kills == 0
    assert named(tmp_path, "oom_kill") == []


def test_a_child_that_is_killed_is_told_from_the_server(tmp_path: Path) -> None:
    """GIVEN a child larger than the server WHEN the limit is hit THEN the child dies and the server lives."""
    with control_server(tmp_path) as (_, server):
        assert ask(server, "/child?mb=350")
        wait_until(lambda: bool(named(tmp_path, "oom_kill")))
        assert server.ended() is None
        assert ask(server, "/api/health")
    assert named(tmp_path, "oom_kill")[0].text("role") == "child"


def test_a_restart_empties_the_vm_of_the_dead_servers_children(tmp_path: Path) -> None:
    """GIVEN a server with a child WHEN it is restarted THEN the child is gone, as on a restarted machine."""
    with control_server(tmp_path) as (vm, server):
        assert ask(server, "/child?mb=20")
        assert not ask(server, "/exit?status=3")
        wait_until(lambda: server.ended() == 3)
        orphans = vm.walls.pids()
        assert orphans
        server.restart()
        wait_until(server.became_ready)
        assert all(gone(pid) for pid in orphans)
        assert vm.walls.pids() == [server.process.pid if server.process else 0]
        assert ask(server, "/api/health")


def test_server_and_children_are_sampled_apart(tmp_path: Path) -> None:
    """GIVEN a server of 60 MB and a child of 40 THEN the samples say so."""
    with control_server(tmp_path) as (_, server):
        assert ask(server, "/grow?mb=60")
        assert ask(server, "/child?mb=40")
        count = len(RunFolder(tmp_path).samples)
        wait_until(lambda: len(RunFolder(tmp_path).samples) > count + 2)
    last = [sample for sample in RunFolder(tmp_path).samples if sample.processes == 2][-1]
    assert 60 < (last.server_rss_bytes or 0) / MIB < 100
    assert 40 < (last.children_rss_bytes or 0) / MIB < 70


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """GIVEN a run that breaks in the middle THEN its group, its server and its children are gone."""
    pids: list[int] = []
    with pytest.raises(ZeroDivisionError), control_server(tmp_path) as (vm, server):  # noqa: PT012  # the block is what breaks
        assert ask(server, "/child?mb=10")
        pids += vm.walls.pids()
        _ = 1 / 0
    assert len(pids) == 2
    assert not ours()
    assert all(gone(pid) for pid in pids)


OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_vm import ask, control_server
with control_server(Path(sys.argv[1])) as (vm, server):
    ask(server, "/child?mb=10")
    print(vm.walls.name, *vm.walls.pids(), flush=True)
    time.sleep(60)
"""


def test_a_killed_owner_leaves_nothing_behind_either(tmp_path: Path) -> None:
    """GIVEN an owner killed with SIGKILL THEN the recorder removes the VM, and keeps its samples."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), str(Path(__file__).parent)], stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    group, *pids = owner.stdout.readline().decode().split()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: group not in groups())
    assert all(gone(int(pid)) for pid in pids)
    assert RunFolder(tmp_path).samples
    assert named(tmp_path, "recorded")[0].facts["owner_gone"] is True


def test_a_vm_left_by_a_dead_owner_is_removed_by_the_next(tmp_path: Path) -> None:
    """GIVEN a group whose owner and recorder were killed THEN the next run removes it."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    hierarchy = find_hierarchy()
    folder = hierarchy.folders(f"{NAME_PREFIX}{ended.pid}-1")[0]
    folder.mkdir()
    with control_server(tmp_path):
        assert not folder.exists()


def test_a_spent_balance_holds_the_vm_to_its_share(tmp_path: Path) -> None:
    """GIVEN no balance WHEN the VM wants a core for two seconds THEN it gets about an eighth of one."""
    with open_vm(tmp_path, SMALL, 0.0) as vm:
        wait_until(lambda: bool(named(tmp_path, "throttled")))
        busy = vm.start_server([sys.executable, "-c", "while True: pass"], tmp_path / "server.log", {})
        start_s, started = vm.walls.read().cpu_s or 0.0, time.monotonic()
        wait_until(lambda: time.monotonic() > started + 2)
        used = ((vm.walls.read().cpu_s or 0.0) - start_s) / (time.monotonic() - started)
        processes.stop(busy)
    assert 0.08 < used < 0.2


def test_a_vm_larger_than_the_machine_is_refused(tmp_path: Path) -> None:
    """GIVEN a limit that the machine does not have THEN it is one line, and nothing was made."""
    with (
        pytest.raises(OomproofError, match="this machine has"),
        open_vm(tmp_path, VmSize(10**7, 2, 0.125), 500.0),
    ):
        pass
    assert not ours()
    assert not list(tmp_path.iterdir())
