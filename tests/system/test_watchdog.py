"""The watchdog for real: what it kills, what it leaves alone, and that nothing outlives it. No root is needed."""

import contextlib
import http.client
import json
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

from profiles import cli, processes
from profiles.event_log import EventLog
from profiles.run_folder import Event, RunFolder
from profiles.target import Server
from profiles.vm import Vm, open_vm
from profiles.vm_size import MIB, VmSize
from profiles.walls import NAME_PREFIX
from profiles.watchdog import WatchdogWalls

pytestmark = pytest.mark.slow

CONTROL = Path(__file__).parents[1] / "controls" / "server.py"
SMALL = VmSize(256, 2, 0.125)


def wait_until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    """Return once the condition holds; fail after `within_s`."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextlib.contextmanager
def control_server(folder: Path) -> Iterator[tuple[Vm, Server]]:
    """A control server in a VM that a watchdog keeps."""
    events = EventLog(folder)
    port = processes.free_port()
    with open_vm(folder, SMALL, 500.0, "watchdog") as vm:
        server = Server(
            vm, [sys.executable, str(CONTROL), str(port)], port, folder / "server.log", {}, events
        )
        server.start()
        yield vm, server
    events.close()


def ask(server: Server, path: str) -> bool:
    """Ask the control server for something; return whether it lived to answer."""
    try:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=30):  # noqa: S310  # loopback
            return True
    except (OSError, http.client.HTTPException):
        return False


def gone(pid: int) -> bool:
    """Whether a process has ended (init may take its time to reap it)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def named(folder: Path, name: str) -> list[Event]:
    """The events of that name, read anew."""
    return RunFolder(folder).named(name)


def watchdog_of(vm: Vm) -> subprocess.Popen[bytes]:
    """The watchdog's own process."""
    assert isinstance(vm.walls, WatchdogWalls)
    assert vm.walls._process is not None
    return vm.walls._process


def test_it_kills_the_server_that_outgrows_the_limit(tmp_path: Path) -> None:
    """GIVEN a server of two thirds of the limit WHEN it grows beyond THEN it is killed, counted and called emulated."""
    with control_server(tmp_path) as (vm, server):
        assert ask(server, "/grow?mb=160")
        wait_until(lambda: (vm.walls.read().vm_bytes or 0) > 160 * MIB)
        assert vm.walls.read().oom_kills == 0
        assert not ask(server, "/grow?mb=400")
        wait_until(lambda: server.ended() == -signal.SIGKILL)
        wait_until(lambda: vm.walls.read().oom_kills == 1)
    (kill,) = named(tmp_path, "oom_kill")
    assert (kill.facts["role"], kill.facts["emulated"], kill.facts["whole_machine"]) == (
        "server",
        True,
        False,
    )
    (recorded,) = named(tmp_path, "recorded")
    assert recorded.facts["oom_kills"] == 1
    assert not named(tmp_path, "failed")
    assert max(sample.vm_limit_bytes or 0 for sample in RunFolder(tmp_path).samples) == 256 * MIB


def test_the_memory_of_who_starts_the_server_is_not_the_vms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an owner of more than the limit WHEN it forks, slowly, to start the server THEN that starts."""
    ours = bytearray(b"x") * (SMALL.memory_bytes + 64 * MIB)
    join = WatchdogWalls.join

    def join_slowly(walls: WatchdogWalls) -> None:
        join(walls)
        time.sleep(0.5)  # the watchdog looks 25 times meanwhile

    monkeypatch.setattr(WatchdogWalls, "join", join_slowly)
    with control_server(tmp_path) as (vm, server):
        assert ask(server, "/api/health")
        assert vm.walls.read().oom_kills == 0
    assert len(ours) > SMALL.memory_bytes
    assert not named(tmp_path, "oom_kill")


def test_it_kills_the_largest_child_and_the_server_lives(tmp_path: Path) -> None:
    """GIVEN three children, the last too many WHEN it comes THEN the largest dies, and the server still answers."""
    with control_server(tmp_path) as (vm, server):
        for mb in (60, 100, 80):
            assert ask(server, f"/child?mb={mb}")
        wait_until(lambda: bool(named(tmp_path, "oom_kill")))
        assert ask(server, "/api/health")
        wait_until(lambda: len(vm.walls.pids()) == 3)
    (kill,) = named(tmp_path, "oom_kill")
    assert kill.facts["role"] == "child"
    size = kill.facts["anon_rss_mb"]
    assert isinstance(size, float)
    assert size > 95


def test_orphans_stay_inside_and_end_with_the_vm(tmp_path: Path) -> None:
    """GIVEN a server that ends WHEN its child lives on THEN the child is still counted, and gone after the VM."""
    with control_server(tmp_path) as (vm, server):
        ask(server, "/child?mb=30")
        ask(server, "/exit?status=0")
        wait_until(lambda: server.ended() == 0)
        (orphan,) = vm.walls.pids()
        wait_until(lambda: 30 * MIB < (vm.walls.read().vm_bytes or 0) < 60 * MIB)
    assert gone(orphan)


OWNER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_watchdog import ask, control_server, watchdog_of
with control_server(Path(sys.argv[1])) as (vm, server):
    ask(server, "/child?mb=10")
    print(watchdog_of(vm).pid, *vm.walls.pids(), flush=True)
    time.sleep(60)
"""


def test_a_killed_owner_leaves_nothing_behind(tmp_path: Path) -> None:
    """GIVEN an owner killed with SIGKILL THEN what is in the VM dies, and so does the watchdog."""
    command = [sys.executable, "-c", OWNER, str(tmp_path), str(Path(__file__).parent)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 3
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: all(map(gone, pids)))


def test_a_killed_watchdog_makes_the_run_invalid(tmp_path: Path) -> None:
    """GIVEN a watchdog killed with SIGKILL THEN nothing is read any more, and the run folder says that it failed."""
    with control_server(tmp_path) as (vm, _):
        watchdog_of(vm).kill()
        wait_until(lambda: vm.walls.read().vm_bytes is None)
        assert vm.walls.read().oom_kills is None
        assert "watchdog" in vm.walls.read().why["vm_bytes"]
    (failed,) = named(tmp_path, "failed")
    assert "watchdog: it ended early" in failed.text("reason")


def test_a_spent_balance_holds_the_vm_to_its_share(tmp_path: Path) -> None:
    """GIVEN no balance WHEN two processes want a core each THEN they get about an eighth of one, at most."""
    busy = "import os\nif os.fork() == 0: pass\nwhile True: pass"
    with open_vm(tmp_path, SMALL, 0.0, "watchdog") as vm:
        wait_until(lambda: bool(named(tmp_path, "throttled")))
        server = vm.start_server([sys.executable, "-c", busy], tmp_path / "server.log", {})
        wait_until(lambda: len(vm.walls.pids()) == 2)
        start_s, started = vm.walls.read().cpu_s or 0.0, time.monotonic()
        wait_until(lambda: time.monotonic() > started + 3)
        used = ((vm.walls.read().cpu_s or 0.0) - start_s) / (time.monotonic() - started)
        wait_until(
            lambda: (vm.walls.read().throttled_s or 0.0) > 0.1
        )  # on a busy machine it is seldom stopped
        processes.stop(server, 0.1)
    assert 0.0 < used < 0.2  # less where others are at work here too: what is inside yields to them


def test_nobody_enters_by_mistake(tmp_path: Path) -> None:
    """GIVEN the owner itself WHEN it would join THEN it is refused: what is inside is killed in the end."""
    walls = WatchdogWalls(f"{NAME_PREFIX}{os.getpid()}-1", tmp_path)
    with pytest.raises(OSError, match="its owner cannot enter"):
        walls.join()


LOAD = """
import http.client, os, time, urllib.request
for _ in range(40):  # 320 MB in all: one server goes over 256 MB, and what is left cannot fill the next one
    try:
        urllib.request.urlopen(os.environ["OOMPROOF_URL"] + "/grow?mb=8", timeout=10).read()
    except (OSError, http.client.HTTPException):
        break
    time.sleep(0.02)
else:
    time.sleep(2)
"""


def test_a_whole_run_is_called_emulated_on_every_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a run with --backend watchdog THEN its verdict is oom_killed, and every page says that it is emulated."""
    load = tmp_path / "load.py"
    load.write_text(LOAD)
    out = tmp_path / "out"
    command = f"run --backend watchdog --memory 256MB --out {out}".split()
    command += ["--command", f"{sys.executable} {CONTROL} {{port}}", "--load", f"{sys.executable} {load}"]
    status = cli.main(command)
    assert status == 1
    (verdict,) = json.loads((out / "comparison.json").read_text())["scenarios"]
    assert (verdict["verdict"], verdict["vm_emulated"], verdict["vm_backend"]) == (
        "oom_killed",
        True,
        "watchdog",
    )
    assert verdict["victim_role"] == "server"
    assert "emulated" in verdict["evidence"][0]
    assert [death["cause"] for death in verdict["deaths"]] == ["emulated_kill"]
    pages = {name: (out / name).read_text() for name in ("report.md", "report.html", "memory.svg")}
    pages["terminal"] = capsys.readouterr().out
    for name, text in pages.items():
        assert "emulated" in text, name
        assert "by the kernel" not in text, name
