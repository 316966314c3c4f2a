"""Whose memory is the limit: the control group's on either version, or the machine's; all on made-up trees."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from reference_server.vm_memory import VmMemory, read_vm_memory

GB = 1024**3
MACHINE = VmMemory(6 * GB, 16 * GB, "machine")
UNLIMITED_V1 = 9223372036854771712

V2 = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 23 0:30 / /sys/fs/cgroup/memory rw shared:13 - cgroup cgroup rw,memory"
V1_CPU = "34 23 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:14 - cgroup cgroup rw,cpu,cpuacct"
DISK = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"


class Tree:
    """A made-up machine of 16 GB, 10 GB of which are available."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc" / "self").mkdir(parents=True)
        self.proc(
            "meminfo", f"MemTotal: {16 * GB // 1024} kB\nMemFree: 5 kB\nMemAvailable: {10 * GB // 1024} kB"
        )

    def proc(self, name: str, *lines: str) -> None:
        """Write a file below /proc."""
        (self.root / "proc" / name).write_text("\n".join(lines) + "\n")

    def lives(self, *cgroup: str, mounts: tuple[str, ...]) -> None:
        """Say in which groups the process lives, and what is mounted."""
        self.proc("self/cgroup", *cgroup)
        self.proc("self/mountinfo", DISK, *mounts)

    def group(self, folder: str, files: Mapping[str, object]) -> None:
        """Make a group's files below /sys/fs/cgroup."""
        place = self.root / "sys/fs/cgroup" / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, value in files.items():
            (place / name).write_text(f"{value}\n")

    def v2(self, folder: str, current: int, limit: object) -> None:
        """Make a group of cgroup v2."""
        self.group(folder, {"memory.current": current, "memory.max": limit})

    def v1(self, folder: str, usage: int, limit: int) -> None:
        """Make a group of cgroup v1's memory controller."""
        self.group(f"memory/{folder}", {"memory.usage_in_bytes": usage, "memory.limit_in_bytes": limit})


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A machine without control groups."""
    tree = Tree(tmp_path)
    tree.lives("0::/", mounts=())
    return tree


def test_without_a_limit_the_machine_is_the_vm(tree: Tree) -> None:
    """GIVEN a machine without control groups WHEN it is read THEN what is not available of it is used."""
    assert read_vm_memory(tree.root) == MACHINE


def test_the_limit_of_the_group_counts_on_v2(tree: Tree) -> None:
    """GIVEN a service with a limit WHEN it is read THEN its own use and limit are told."""
    tree.lives("0::/system.slice/reader.service", mounts=(V2,))
    tree.v2("system.slice/reader.service", 3 * GB, 4 * GB)
    tree.v2("system.slice", 5 * GB, "max")
    assert read_vm_memory(tree.root) == VmMemory(3 * GB, 4 * GB, "cgroup")


def test_a_group_without_a_limit_is_that_of_the_next_above(tree: Tree) -> None:
    """GIVEN a group without a limit inside one with WHEN it is read THEN the outer one's use and limit count."""
    tree.lives("0::/vm/reader/worker", mounts=(V2,))
    tree.v2("vm/reader/worker", GB, "max")
    tree.v2("vm/reader", 2 * GB, "max")
    tree.v2("vm", 3 * GB, 4 * GB)
    assert read_vm_memory(tree.root) == VmMemory(3 * GB, 4 * GB, "cgroup")


@pytest.mark.parametrize(("inner", "outer", "expected"), [(1, 2, "inner"), (2, 2, "inner"), (8, 2, "outer")])
def test_of_several_limits_the_tightest_counts(tree: Tree, inner: int, outer: int, expected: str) -> None:
    """GIVEN limits inside each other WHEN they are read THEN it is the one that kills first, at a tie the own."""
    tree.lives("0::/vm/reader", mounts=(V2,))
    tree.v2("vm/reader", 100, inner * GB)
    tree.v2("vm", 200, outer * GB)
    wanted = {"inner": VmMemory(100, inner * GB, "cgroup"), "outer": VmMemory(200, outer * GB, "cgroup")}
    assert read_vm_memory(tree.root) == wanted[expected]


@pytest.mark.parametrize("limit", ["max", 16 * GB + 1, UNLIMITED_V1])
def test_more_than_the_machine_has_is_no_limit_on_v2(tree: Tree, limit: object) -> None:
    """GIVEN `max`, or a limit one byte above all there is WHEN it is read THEN the machine is the VM."""
    tree.lives("0::/reader", mounts=(V2,))
    tree.v2("reader", GB, limit)
    assert read_vm_memory(tree.root) == MACHINE


def test_as_much_as_the_machine_has_is_a_limit(tree: Tree) -> None:
    """GIVEN a limit of exactly all there is WHEN it is read THEN the group's own use is what counts."""
    tree.lives("0::/reader", mounts=(V2,))
    tree.v2("reader", GB, 16 * GB)
    assert read_vm_memory(tree.root) == VmMemory(GB, 16 * GB, "cgroup")


def test_the_limit_of_the_group_counts_on_v1(tree: Tree) -> None:
    """GIVEN a group of the memory controller WHEN it is read THEN its files of version 1 are."""
    tree.lives("9:cpu,cpuacct:/", "4:memory:/vm/reader", "0::/", mounts=(V1_CPU, V1))
    tree.v1("vm/reader", 3 * GB, 4 * GB)
    tree.v1("vm", 5 * GB, UNLIMITED_V1)
    tree.v1("", 9 * GB, UNLIMITED_V1)
    assert read_vm_memory(tree.root) == VmMemory(3 * GB, 4 * GB, "cgroup")


def test_unlimited_on_v1_is_a_large_number_and_no_limit(tree: Tree) -> None:
    """GIVEN groups that were never given a limit WHEN they are read THEN the machine is the VM."""
    tree.lives("4:memory:/vm", mounts=(V1,))
    tree.v1("vm", 5 * GB, UNLIMITED_V1)
    tree.v1("", 9 * GB, UNLIMITED_V1)
    assert read_vm_memory(tree.root) == MACHINE


def test_a_container_sees_its_group_at_the_top_of_the_mount(tree: Tree) -> None:
    """GIVEN a namespace in which the own group is `/` WHEN it is read THEN the mount's top is the group."""
    tree.lives("0::/", mounts=(V2,))
    tree.v2("", 2 * GB, 4 * GB)
    assert read_vm_memory(tree.root) == VmMemory(2 * GB, 4 * GB, "cgroup")


def test_a_container_without_a_namespace_finds_its_group_all_the_same(tree: Tree) -> None:
    """GIVEN a mount whose top is the container's group WHEN it is read THEN the paths are taken from there."""
    mount = V1.replace("0:30 / ", "0:30 /docker/abc ")
    tree.lives("4:memory:/docker/abc/inner", mounts=(mount,))
    tree.v1("inner", GB, UNLIMITED_V1)
    tree.v1("", 2 * GB, 4 * GB)
    assert read_vm_memory(tree.root) == VmMemory(2 * GB, 4 * GB, "cgroup")


@pytest.mark.parametrize("path", ["/../other", "/docker/abcdef", "/elsewhere"])
def test_a_group_outside_of_what_is_mounted_is_not_guessed(tree: Tree, path: str) -> None:
    """GIVEN a path that leads out of the mount WHEN it is read THEN no other group is taken for it."""
    mount = V2.replace("0:26 / ", "0:26 /docker/abc ")
    tree.lives(f"0::{path}", mounts=(mount,))
    tree.v2("", 2 * GB, 4 * GB)
    tree.v2("../other", 2 * GB, 4 * GB)
    assert read_vm_memory(tree.root) == MACHINE


def test_with_both_versions_the_one_that_counts_memory_is_found(tree: Tree) -> None:
    """GIVEN v1 with the controller and v2 without WHEN they are read THEN it is the limit of v1."""
    unified = V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
    tree.lives("4:memory:/vm", "0::/vm", mounts=(unified, V1))
    tree.group("unified/vm", {"cgroup.procs": 1})
    tree.v1("vm", GB, 4 * GB)
    assert read_vm_memory(tree.root) == VmMemory(GB, 4 * GB, "cgroup")


def test_this_machine_can_be_read() -> None:
    """GIVEN the machine of this test WHEN it is read THEN something is in use, and not more than there is."""
    vm = read_vm_memory()
    assert 0 < vm.used_bytes <= vm.limit_bytes
