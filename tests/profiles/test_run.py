import json
from pathlib import Path
from typing import Any

import pytest

from profiles import run
from profiles.event_log import EventLog
from profiles.load import Documents, Upstream
from profiles.request_tail import RequestTail
from profiles.run import Bench
from profiles.scenario import load_scenario
from profiles.vm_size import VmSize


class DeadServer:
    """A server that the kernel has killed."""

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
