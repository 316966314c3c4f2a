import os
from pathlib import Path

import pytest

from profiles.attach_target import attach_to_container, attach_to_group, attach_to_process, first_process
from profiles.errors import OomproofError
from tests.profiles.fake_machine import FakeMachine

ID = "ab" * 32


@pytest.fixture(params=["v1", "v2"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> FakeMachine:
    """A machine of each version, with ourselves outside of what is watched."""
    machine = FakeMachine(tmp_path, request.param)
    machine.process(1, parent=0, name="init")
    machine.process(2, parent=0, name="kthreadd", command="")
    machine.process(os.getpid(), parent=1)
    return machine


def test_a_process_alone_in_its_group_has_the_group_s_counters(machine: FakeMachine) -> None:
    """GIVEN a process and its child in a group of theirs THEN its counters are told from now on."""
    machine.group("/app", [70, 71], limit="2000", kills=3)
    machine.process(70, group="/app")
    machine.process(71, parent=70, group="/app")
    found = attach_to_process(70, machine.proc)
    assert (found.what, found.server_pid, found.group_path) == ("process 70 (node)", 70, "/app")
    assert (found.by_tree, found.shared, found.name) == (True, False, "/app")
    assert found.counted == {"oom_kills": 3, "limit_hits": 7}


def test_a_process_among_others_is_told_from_them(machine: FakeMachine) -> None:
    """GIVEN a stranger in the group THEN its counters are not the process's, and the kernel's lines go by pid."""
    machine.group("/app", [70, 72])
    machine.process(70, group="/app")
    machine.process(72, group="/app")
    found = attach_to_process(70, machine.proc)
    assert (found.shared, found.name) == (True, "attached-70")


def test_a_process_in_no_group_lives_in_the_machine(machine: FakeMachine) -> None:
    """GIVEN a process in the root group THEN the machine's memory is what there is."""
    machine.process(70)
    found = attach_to_process(70, machine.proc)
    assert (found.group, found.shared, found.name) == (None, True, "attached-70")


def test_the_top_of_a_container_is_not_the_machine(machine: FakeMachine) -> None:
    """GIVEN a container's own view, in which its group is the root THEN its counters are read."""
    machine.group("/", [70], limit="2000")
    machine.process(70)
    found = attach_to_process(70, machine.proc)
    assert found.group is not None
    assert found.group_path == "/"


def test_a_process_whose_group_cannot_be_seen_is_watched_all_the_same(machine: FakeMachine) -> None:
    """GIVEN neither its group nor its name to read THEN the process alone, and nothing is made up."""
    machine.process(70, group="/gone")
    (machine.proc / "70" / "comm").unlink()
    found = attach_to_process(70, machine.proc)
    assert (found.what, found.group_path, found.folders) == ("process 70 (not ours to see)", None, {})


@pytest.mark.parametrize(
    ("pid", "complaint"),
    [
        (99, "no such process"),
        (0, "no such process"),
        (-1, "no such process"),
        (60, "has ended, and only waits for its parent"),
        (2, "a thread of the kernel"),
        (61, "a thread of the kernel"),
        (1, "oomproof itself runs below it"),
    ],
)
def test_what_cannot_be_watched_is_one_line(machine: FakeMachine, pid: int, complaint: str) -> None:
    """GIVEN no process, a dead one, a thread of the kernel or our own ancestor THEN one line says so."""
    machine.process(60, state="Z")
    machine.process(61, parent=2, name="kworker/0:1", command="")
    with pytest.raises(OomproofError) as caught:
        attach_to_process(pid, machine.proc)
    assert str(caught.value).startswith(f"--pid {pid}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ourselves_are_not_watched(machine: FakeMachine) -> None:
    """GIVEN our own pid THEN it is refused."""
    with pytest.raises(OomproofError, match="oomproof itself"):
        attach_to_process(os.getpid(), machine.proc)


def test_a_group_is_watched_whole(machine: FakeMachine) -> None:
    """GIVEN a group with processes below it THEN the oldest that nobody in it started is the server."""
    machine.group("/app", [70], limit="2000")
    machine.group("/app/inner", [80, 81])
    machine.process(70, start=300, group="/app")
    machine.process(80, start=200, group="/app/inner")
    machine.process(81, parent=80, start=250, group="/app/inner")
    found = attach_to_group("/app", machine.proc)
    assert (found.what, found.server_pid, found.by_tree, found.shared) == (
        "control group /app",
        80,
        False,
        False,
    )


def test_an_empty_group_waits_for_its_server(machine: FakeMachine) -> None:
    """GIVEN a group without processes THEN it is watched, without a server."""
    machine.group("/app")
    assert attach_to_group("/app", machine.proc).server_pid is None


def test_a_group_that_we_are_in_is_shared(machine: FakeMachine) -> None:
    """GIVEN ourselves in the group, as inside a container THEN its counters hold us too, and we are no server."""
    machine.group("/app", [os.getpid(), 70])
    machine.process(70, start=10**9, group="/app")
    found = attach_to_group("/app", machine.proc)
    assert (found.shared, found.server_pid) == (True, 70)


def test_a_group_that_is_none_is_one_line(machine: FakeMachine) -> None:
    """GIVEN a path that leads nowhere, or the whole machine THEN one line says so."""
    with pytest.raises(
        OomproofError, match=r"^--cgroup /nope: no such group\. Give its path as in /proc/PID"
    ):
        attach_to_group("/nope", machine.proc)
    with pytest.raises(OomproofError, match=r"^--cgroup /: this is the whole machine\."):
        attach_to_group("/", machine.proc)


def test_a_container_is_its_group(machine: FakeMachine) -> None:
    """GIVEN a container's id THEN its group is watched, under the container's name."""
    machine.group(f"/docker/{ID}", [70], limit="2000")
    machine.process(70, group=f"/docker/{ID}")
    found = attach_to_container(ID[:12], machine.proc)
    assert (found.what, found.server_pid) == (f"container {ID[:12]}", 70)
    assert found.group_path == f"/docker/{ID}"


def test_of_no_process_none_is_the_first(machine: FakeMachine) -> None:
    """GIVEN processes that are gone, dead or left out THEN none is the first."""
    machine.process(60, state="Z")
    machine.process(70)
    assert first_process([60, 99, 70], {70}, machine.proc) is None
