import os
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.attach_target import attach_to_group, attach_to_process
from profiles.attached import MEMBERS_FILE, Attachment
from profiles.attached_walls import AttachedWalls
from profiles.backends import BACKENDS, walls_of
from profiles.vm_size import VmSize
from tests.profiles.fake_machine import FakeMachine


@pytest.fixture(params=["v1", "v2"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> FakeMachine:
    """A machine of each version."""
    machine = FakeMachine(tmp_path, request.param)
    machine.process(os.getpid(), parent=1)
    return machine


def walls(attachment: Attachment, folder: Path, machine: FakeMachine) -> AttachedWalls:
    """The walls as the recorder opens them: from the run folder."""
    attachment.save(folder)
    return AttachedWalls(attachment.name, folder, machine.proc)


def test_what_was_killed_before_is_not_ours(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN a group with kills of earlier times WHEN one more comes THEN it is one; made anew, all of it counts."""
    machine.group("/app", [70], limit="2000", kills=3)
    machine.process(70, group="/app")
    found = walls(attach_to_group("/app", machine.proc), tmp_path, machine)
    assert found.read().oom_kills == 0
    machine.group("/app", [70], limit="2000", kills=4)
    reading = found.read()
    assert (reading.oom_kills, reading.limit_hits) == (1, 0)
    assert (reading.vm_bytes, reading.limit_bytes) == (1000, 2000)
    machine.group("/app", [70], limit="2000", kills=2)
    assert found.read().oom_kills == 2


def test_a_counter_that_was_not_known_at_first_stays_unknown(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN counters that could not be read when watching began THEN what they say later is not all of our time."""
    machine.group("/app", [70], limit="2000", kills=3)
    machine.process(70, group="/app")
    attachment = replace(attach_to_group("/app", machine.proc), counted={})
    reading = walls(attachment, tmp_path, machine).read()
    assert (reading.oom_kills, reading.limit_hits) == (None, None)


def test_kills_in_a_group_below_are_not_taken_for_none(tmp_path: Path) -> None:
    """GIVEN a group of cgroup v1 with another in it, whose kills it does not count THEN its kills are unknown."""
    machine = FakeMachine(tmp_path, "v1")
    machine.group("/app", [70], limit="2000")
    machine.group("/app/inner", [71], kills=1)
    reading = walls(attach_to_group("/app", machine.proc), tmp_path, machine).read()
    assert (reading.oom_kills, reading.limit_hits, reading.vm_bytes) == (None, 0, 1000)
    assert "app/inner: cgroup v1 counts its kills there alone" in reading.why["oom_kills"]


def test_a_lower_limit_above_is_the_one_that_counts(tmp_path: Path) -> None:
    """GIVEN a group of cgroup v2 in one with a lower limit THEN that limit; GIVEN none anywhere THEN none, and why."""
    machine = FakeMachine(tmp_path, "v2")
    machine.group("/slice", limit="1500")
    machine.group("/slice/app", limit="2000")
    machine.group("/free")
    assert walls(attach_to_group("/slice/app", machine.proc), tmp_path, machine).read().limit_bytes == 1500
    free = walls(attach_to_group("/free", machine.proc), tmp_path, machine).read()
    assert (free.limit_bytes, free.why["limit_bytes"]) == (None, "no limit was found")


def test_counters_of_others_are_not_called_ours(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN a group that others live in THEN its kills and CPU time are unknown, and it is said why."""
    machine.group("/app", [70, 72], kills=3)
    machine.process(70, group="/app")
    machine.process(72, group="/app")
    reading = walls(attach_to_process(70, machine.proc), tmp_path, machine).read()
    assert (reading.oom_kills, reading.cpu_s, reading.vm_bytes) == (None, None, 1000)
    assert reading.why["oom_kills"] == "/app: others are counted there too"


def test_a_process_in_no_group_has_the_machine_s_memory(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN the root group THEN /proc/meminfo, and no kill that may be anybody's."""
    machine.process(70)
    (machine.proc / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 40 kB\nAnonPages: 20 kB\n")
    (machine.proc / "vmstat").write_text("oom_kill 9\n")
    reading = walls(attach_to_process(70, machine.proc), tmp_path, machine).read()
    assert (reading.limit_bytes, reading.vm_bytes, reading.anon_bytes) == (102400, 61440, 20480)
    assert (reading.oom_kills, reading.swap_bytes) == (None, None)


def test_a_tree_is_followed_and_a_group_is_listed(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN a process with a child, and a group with more THEN either its descendants or all of the group."""
    machine.group("/app", [70, 71, 72, os.getpid()])
    machine.process(70, group="/app")
    machine.process(71, parent=70, group="/app")
    machine.process(72, group="/app")
    (tmp_path / MEMBERS_FILE).write_text("70 100 root\n")
    tree = attach_to_process(70, machine.proc)
    assert walls(tree, tmp_path, machine).pids() == [70, 71]
    group = attach_to_group("/app", machine.proc)
    assert walls(group, tmp_path, machine).pids() == [70, 71, 72]
    machine.process(70, group="/app", start=999)
    assert walls(tree, tmp_path, machine).pids() == [71], "another process with its pid is not it"


def test_a_group_that_is_gone_is_no_empty_group(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN a group that was removed THEN its processes are unknown, and so are its counters."""
    folder = machine.group("/app", [70])
    machine.process(70, group="/app")
    found = walls(attach_to_group("/app", machine.proc), tmp_path, machine)
    folder.rename(folder.parent / "gone")
    with pytest.raises(OSError, match="No such file"):
        found.pids()
    reading = found.read()
    assert reading.vm_bytes is None
    assert "vm_bytes" in reading.why


def test_nothing_of_it_is_touched(
    tmp_path: Path, machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN walls that were found WHEN all is asked that changes a VM THEN no file differs, and nobody is killed."""
    machine.group("/app", [70], limit="2000")
    machine.process(70, group="/app")
    found = walls(attach_to_group("/app", machine.proc), tmp_path, machine)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("somebody was to be killed"))

    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in machine.cgroups.rglob("*") if path.is_file()}

    before = files()
    found.create(VmSize(1, 1, 1.0))
    found.join()
    found.set_cpus(0.1)
    assert found.kill_all()
    found.destroy()
    assert files() == before


def test_the_walls_are_opened_by_name_and_never_chosen(tmp_path: Path, machine: FakeMachine) -> None:
    """GIVEN a run folder THEN the recorder opens its walls by the backend's name, which nobody can ask for."""
    machine.group("/app")
    attachment = replace(attach_to_group("/app", machine.proc), owner_pid=5)
    attachment.save(tmp_path)
    opened = walls_of("attached", attachment.name, tmp_path)
    assert (opened.name, opened.backend, opened.emulated, opened.limits_cpu) == (
        "/app",
        "attached",
        False,
        False,
    )
    assert "attached" not in BACKENDS
