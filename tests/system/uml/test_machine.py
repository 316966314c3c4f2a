"""A machine that is the VM itself, as on Fly: its own kernel kills for all of it, and its clock can be set."""

import subprocess
from pathlib import Path

import pytest

from tests.system.uml.guests import (
    GUEST_WITHIN_S,
    HERE,
    OOMPROOF,
    PYTEST,
    InGuest,
    growing_server,
    judged,
    kills,
    passed,
)

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("in_guest")
def test_a_machine_that_runs_out_of_memory_is_told_from_a_limit_that_was_hit(folder: Path) -> None:
    """GIVEN a guest of 320 MB WHEN the server outgrows it THEN its kernel's kill for all of it is the verdict."""
    scenario, out = growing_server(folder, memory=None), folder / "out"
    command = [*OOMPROOF, "run", str(scenario), "--backend", "uml", "--memory", "320MB", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=GUEST_WITHIN_S, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "As expected: grows was killed by the kernel" in ended.stdout
    verdict = judged(folder)
    assert verdict.verdict == "oom_killed"
    assert verdict.vm_backend == "uml"
    assert 280 < (verdict.vm_memory_mb or 0) < 320
    assert verdict.victim_role == "server"
    assert verdict.server_kills == verdict.oom_kills == 1
    assert [death["cause"] for death in verdict.deaths or ()] == ["machine_kill"]
    assert sorted(path.name for path in folder.iterdir()) == ["grows.toml", "out", "out.guest", "setup"]
    (line,) = kills(folder / "out.guest")
    assert line.startswith("Out of memory: Killed process")
    assert line in verdict.evidence


def test_samples_stay_in_order_when_the_wall_clock_jumps(in_guest: InGuest) -> None:
    """GIVEN a guest WHEN its clock is set forth and back during a recording THEN the samples do not notice."""
    assert passed(in_guest(*PYTEST, HERE / "guest_clock.py")) == 1
