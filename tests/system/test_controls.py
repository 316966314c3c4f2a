"""The instrument is held to servers whose memory is known: whatever each is, it must be found to be that, every time.

REPEAT says how often each is tried (1); from 2 on the table is printed and written to reports/controls.
"""

import contextlib
import http.client
import importlib.util
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from profiles import processes
from profiles.event_log import EventLog
from profiles.run_folder import RunFolder
from profiles.target import Server
from profiles.vm import Vm, open_vm
from profiles.vm_size import MIB, VmSize

pytestmark = pytest.mark.kernel

CONTROLS = Path(__file__).parents[1] / "controls"
REPORT = Path(__file__).parents[2] / "reports" / "controls"
REPEAT = int(os.environ.get("REPEAT", "1"))
LIMIT = VmSize(256, 2, 2.0)


def module(name: str) -> ModuleType:
    """A module of the controls, which are no package."""
    spec = importlib.util.spec_from_file_location(f"controls_{name}", CONTROLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


TRIALS = module("trials")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Every control, tried REPEAT times."""
    found: list[Any] = TRIALS.try_all(tmp_path_factory.mktemp("controls"), REPEAT)
    if REPEAT > 1:
        TRIALS.write_report(found, REPORT)
        print("", *TRIALS.table(found), sep="\n")
    return found


@pytest.mark.parametrize("control", sorted(TRIALS.TRUTHS))
def test_a_control_is_found_to_be_what_it_is(trials: list[Any], control: str) -> None:
    """GIVEN a server known to the byte WHEN visitors come THEN verdict, cause of death, growth and slope are right."""
    its = [trial for trial in trials if trial.control == control]
    assert len(its) == REPEAT
    assert [trial.wrong() for trial in its if trial.wrong()] == []


def test_a_leak_is_called_where_there_is_one_and_nowhere_else(trials: list[Any]) -> None:
    """GIVEN all controls THEN those that leak are called leaks, with the hours left, and no other is."""
    called = {trial.control for trial in trials if trial.record.get("growth") == "leak"}
    assert called == {"leak_per_request", "leak_per_session"}
    hours = [trial.record.get("hours_to_limit") for trial in trials if trial.control in called]
    assert all(hours)


def test_a_trim_gives_back_what_is_kept_and_not_what_is_leaked(trials: list[Any]) -> None:
    """GIVEN a trim WHEN memory was freed but kept THEN it comes back; WHEN it was leaked THEN next to nothing does."""
    returned = {
        trial.control: trial.record.get("returned_on_trim_mb") for trial in trials if trial.control in TRIMMED
    }
    assert returned["retain"] > 20
    assert all(abs(mb) < 2 for control, mb in returned.items() if control != "retain")


TRIMMED = {"retain", "leak_per_request", "leak_per_session", "plateau", "flat"}


@contextlib.contextmanager
def growing_server(folder: Path) -> Iterator[tuple[Vm, Server]]:
    """A server in a VM that grows by whole MB when told to."""
    events, port = EventLog(folder), processes.free_port()
    command = [sys.executable, str(CONTROLS / "server.py"), str(port)]
    with open_vm(folder, LIMIT, 500.0) as vm:
        server = Server(vm, command, port, folder / "server.log", {}, events)
        server.start()
        yield vm, server
    events.close()


def grow(server: Server, mb: int) -> bool:
    """Have it hold so much more; return whether it lived to answer."""
    try:
        with urllib.request.urlopen(f"{server.url}/grow?mb={mb}", timeout=30):  # noqa: S310  # loopback
            return True
    except (OSError, http.client.HTTPException):
        return False


def used_share(vm: Vm) -> float:
    """How much of the limit is used, by the kernel's own counter."""
    used = vm.walls.read().vm_bytes
    assert used is not None
    return used / (LIMIT.memory_mb * MIB)


def test_it_fires_at_the_limit_and_not_at_95_percent_of_it(tmp_path: Path) -> None:
    """GIVEN a server that fills 95 to 96 % of its VM THEN nobody is killed; WHEN it goes on to the limit THEN it is."""
    with growing_server(tmp_path) as (vm, server):
        while used_share(vm) < 0.95:
            assert grow(server, 1)
        assert 0.95 <= used_share(vm) < 0.96
        looked_at = len(RunFolder(tmp_path).samples)
        deadline = time.monotonic() + 15
        while len(RunFolder(tmp_path).samples) < looked_at + 10:
            assert time.monotonic() < deadline, "no samples any more"
            time.sleep(0.05)
        assert vm.walls.read().oom_kills == 0
        assert server.ended() is None
        assert grow(server, 0)
        while grow(server, 1):
            assert used_share(vm) <= 1
        assert server.process is not None
        assert server.process.wait(15) == -signal.SIGKILL
        assert vm.walls.read().oom_kills == 1
    peak = max(sample.vm_bytes or 0 for sample in RunFolder(tmp_path).samples)
    assert peak >= 0.95 * LIMIT.memory_mb * MIB
