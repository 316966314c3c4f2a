import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from profiles import processes, run
from profiles.errors import RunError
from profiles.event_log import EventLog
from profiles.load import Documents, Upstream
from profiles.request_tail import RequestTail
from profiles.run import Bench
from profiles.scenario import load_scenario
from profiles.vm_size import VmSize


class UnwatchedVm:
    """A VM whose recorder has gone."""

    walls: Any = type("Group", (), {"read": lambda self: type("Reading", (), {"oom_kills": 0})()})()

    def checkpoint(self, label: str) -> None:
        """It was there for the first one."""

    def tell(self, line: str) -> None:
        """Nobody hears it."""
        raise RunError("recorder: it ended early.")


class DeadServer:
    """A server that the kernel has killed."""

    pid = 4242
    vm: Any = type("Vm", (), {"check_recorder": lambda self: None})()
    restarts = 0

    def ended(self) -> int:
        """Its exit status: SIGKILL."""
        return -9

    def restart(self) -> None:
        """Counted."""
        self.restarts += 1


@pytest.mark.parametrize(("ends", "over", "restarts"), [(True, run.DIED, 0), (False, None, 1)])
def test_a_bench_may_end_its_runs_when_the_server_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ends: bool, over: str | None, restarts: int
) -> None:
    """GIVEN a killed server THEN such a run is over, its exit on record; any other restarts it and goes on."""
    monkeypatch.setattr(run, "RECORDED_WITHIN_S", 0.0)
    upstream = Upstream("http://127.0.0.1:9/v1", "none", own=False)
    bench = Bench(
        Documents(tmp_path / "book.pdf"), upstream, VmSize(256, 2, 0.125), tmp_path, ends_at_death=ends
    )
    server: Any = DeadServer()
    events = EventLog(tmp_path)
    assert run._watch(load_scenario("cached"), bench, server, RequestTail(tmp_path / "none"), events) == over
    events.close()
    assert server.restarts == restarts
    assert json.loads((tmp_path / "events.jsonl").read_text())["returncode"] == -9


def test_a_load_does_not_outlive_a_run_that_fails_as_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a recorder that has gone WHEN the load has just been started THEN it is ended, for the next run's sake."""
    started: list[subprocess.Popen[bytes]] = []
    really_start = processes.start

    def start(_command: list[str], log: Path, **_: object) -> subprocess.Popen[bytes]:
        started.append(really_start(["sleep", "60"], log))
        return started[-1]

    monkeypatch.setattr(processes, "start", start)
    server: Any = type(
        "Server", (), {"vm": UnwatchedVm(), "url": "http://127.0.0.1:9", "ended": lambda _: None}
    )()
    upstream = Upstream("http://127.0.0.1:9/v1", "none", own=False)
    bench = Bench(Documents(tmp_path / "book.pdf"), upstream, VmSize(256, 2, 0.125), tmp_path)
    events = EventLog(tmp_path)
    with pytest.raises(RunError, match="recorder"):
        run._drive(load_scenario("cached"), bench, server, tmp_path, events, lambda _: None)
    events.close()
    ended = started[0].poll()
    processes.stop(started[0])
    assert ended is not None
