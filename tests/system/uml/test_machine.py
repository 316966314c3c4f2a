"""A machine that is the VM itself, as on Fly: its own kernel kills for all of it, and its clock can be set."""

from pathlib import Path

import pytest

from tests.system.uml.guests import HERE, OOMPROOF, PYTEST, InGuest, growing_server, judged, kills, passed

pytestmark = pytest.mark.slow


def test_a_machine_that_runs_out_of_memory_is_told_from_a_limit_that_was_hit(
    in_guest: InGuest, folder: Path
) -> None:
    """GIVEN a machine of 320 MB WHEN its server outgrows it THEN the kernel's kill for all of it is the verdict."""
    scenario = growing_server(folder, memory=None)
    in_guest(*OOMPROOF, "run", scenario, "--backend", "machine", "--out", folder / "out", memory_mb=320)
    verdict = judged(folder)
    assert verdict.verdict == "oom_killed"
    assert verdict.vm_backend == "machine"
    assert verdict.victim_role == "server"
    assert verdict.server_kills == verdict.oom_kills == 1
    assert [death["cause"] for death in verdict.deaths or ()] == ["machine_kill"]
    (line,) = kills(folder)
    assert line.startswith("Out of memory: Killed process")
    assert line in verdict.evidence


def test_samples_stay_in_order_when_the_wall_clock_jumps(in_guest: InGuest) -> None:
    """GIVEN a guest WHEN its clock is set forth and back during a recording THEN the samples do not notice."""
    assert passed(in_guest(*PYTEST, HERE / "guest_clock.py")) == 1
