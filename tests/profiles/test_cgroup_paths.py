from pathlib import Path

import pytest

from profiles.cgroup_paths import Group, cgroup_mounts, group_of, members, named_group, paths_of
from tests.profiles.fake_machine import FakeMachine


@pytest.fixture(params=["v1", "v2"])
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> FakeMachine:
    """A machine of each version."""
    return FakeMachine(tmp_path, request.param)


def found(machine: FakeMachine, pid: int) -> Group | None:
    """The group of a process."""
    return group_of(paths_of(pid, machine.proc), cgroup_mounts(machine.proc))


def test_a_process_is_found_in_its_group(machine: FakeMachine) -> None:
    """GIVEN a process in a group THEN the group's path and memory folder."""
    folder = machine.group("/a/b", [7])
    machine.process(7, group="/a/b")
    group = found(machine, 7)
    assert group is not None
    assert (group.path, group.memory) == ("/a/b", folder)
    assert set(group.folders) == ({"memory", "cpu", "cpuacct"} if machine.version == "v1" else {""})


def test_what_is_mounted_may_be_a_part_of_the_tree(machine: FakeMachine) -> None:
    """GIVEN a container that sees its own group as the top THEN paths of the whole machine lead there too."""
    folder = machine.group("/", [7], limit="500")
    machine.process(7, group="/docker/abc")
    machine.mount(
        dict.fromkeys(("memory", "cpu", "cpuacct") if machine.version == "v1" else ("",), "/docker/abc")
    )
    group = found(machine, 7)
    assert group is not None
    assert (group.path, group.memory) == ("/docker/abc", folder)


@pytest.mark.parametrize("path", ["/elsewhere", "/../outside", "/docker/abcd"])
def test_a_group_that_is_not_mounted_here_is_not_guessed(machine: FakeMachine, path: str) -> None:
    """GIVEN a process outside of what can be seen THEN no group, and certainly not another one."""
    machine.mount(
        dict.fromkeys(("memory", "cpu", "cpuacct") if machine.version == "v1" else ("",), "/docker/abc")
    )
    machine.process(7, group=path)
    assert found(machine, 7) is None


def test_a_process_that_is_gone_has_no_group(machine: FakeMachine) -> None:
    """GIVEN no such process, or no /proc at all THEN none."""
    assert found(machine, 8) is None
    assert cgroup_mounts(machine.proc / "none") == []


def test_memory_on_v1_counts_before_an_empty_v2_tree(tmp_path: Path) -> None:
    """GIVEN a machine with both versions THEN the one that has the memory controller."""
    machine = FakeMachine(tmp_path, "v1")
    (machine.cgroups / "unified" / "a").mkdir(parents=True)
    mountinfo = machine.proc / "self" / "mountinfo"
    mountinfo.write_text(
        mountinfo.read_text() + f"41 24 0:38 / {machine.cgroups / 'unified'} rw - cgroup2 cgroup2 rw\n"
    )
    folder = machine.group("/a", [7])
    machine.process(7, group="/a")
    group = found(machine, 7)
    assert group is not None
    assert (group.is_unified, group.memory) == (False, folder)


def test_cpu_time_of_another_group_is_not_taken(tmp_path: Path) -> None:
    """GIVEN a process whose memory and CPU are counted in different groups THEN no CPU time is its own."""
    machine = FakeMachine(tmp_path, "v1")
    machine.group("/a", [7])
    machine.process(7, group="/a")
    (machine.proc / "7" / "cgroup").write_text("4:memory:/a\n2:cpu,cpuacct:/\n")
    group = found(machine, 7)
    assert group is not None
    assert set(group.folders) == {"memory"}


def test_a_group_is_named_by_its_path_or_its_folder(machine: FakeMachine) -> None:
    """GIVEN either way to name it THEN the same group; GIVEN neither THEN none."""
    folder = machine.group("/a/b")
    mounts = cgroup_mounts(machine.proc)
    by_path, by_folder = named_group("/a/b", mounts), named_group(str(folder), mounts)
    assert by_path == by_folder == named_group("a/b/", mounts)
    assert by_path is not None
    assert by_path.memory == folder
    assert named_group("/a/c", mounts) is None
    assert named_group(str(folder / "c"), mounts) is None


def test_who_lives_below_lives_inside(machine: FakeMachine) -> None:
    """GIVEN groups below a group THEN their processes are its own; a group that is gone is an error."""
    folder = machine.group("/a", [1, 2])
    machine.group("/a/b/c", [3])
    assert members(folder) == [1, 2, 3]
    with pytest.raises(OSError, match="No such file"):
        members(folder / "gone")
