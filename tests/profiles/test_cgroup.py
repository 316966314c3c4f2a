import dataclasses
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from profiles.cgroup import Cgroup, stale_groups
from profiles.cgroup_v1 import CgroupV1
from profiles.cgroup_v1 import offer as offer_v1
from profiles.cgroup_v2 import CgroupV2
from profiles.errors import OomproofError, RunError
from profiles.machine import find_hierarchy
from profiles.vm_size import MIB, VmSize
from profiles.walls import Reading

SIZE = VmSize(256, 2, 0.125)
G = "oomproof-1-1"


def _files(folder: Path, **contents: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.fixture
def v1(tmp_path: Path) -> CgroupV1:
    """A made-up cgroup v1 tree with one group, `G`."""
    _files(tmp_path / "memory", memory__limit_in_bytes="9223372036854771712")
    _files(tmp_path / "cpu", cpu__shares="1024")
    _files(
        tmp_path / "memory" / G,
        cgroup__procs="11\n12\n",
        memory__memsw__limit_in_bytes="",
        memory__usage_in_bytes="1000",
        memory__max_usage_in_bytes="1500",
        memory__kmem__usage_in_bytes="30",
        memory__failcnt="7",
        memory__stat="cache 1\nhierarchical_memory_limit 4096\ntotal_cache 300\ntotal_rss 700\ntotal_swap 50\n",
        memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    )
    _files(
        tmp_path / "cpu" / G, cpu__cfs_quota_us="-1", cpu__stat="nr_periods 5\nthrottled_time 1500000000\n"
    )
    _files(tmp_path / "cpuacct" / G, cpuacct__usage="2500000000")
    return CgroupV1(tmp_path)


@pytest.fixture
def v2(tmp_path: Path) -> CgroupV2:
    """A made-up cgroup v2 tree with one group, `G`."""
    _files(tmp_path, cgroup__controllers="cpuset cpu io memory pids\n")
    _files(
        tmp_path / G,
        cgroup__procs="11\n",
        memory__swap__max="max",
        memory__current="1000",
        memory__max="4096",
        memory__swap__current="50",
        memory__peak="1500",
        memory__pressure="some avg10=1.50 avg60=0.00 total=9\nfull avg10=0.25 avg60=0.00 total=3\n",
        memory__stat="anon 700\nfile 300\nkernel 30\n",
        memory__events="low 0\nmax 7\noom 2\noom_kill 2\n",
        cpu__max="max 100000",
        cpu__stat="usage_usec 2500000\nthrottled_usec 1500000\n",
    )
    return CgroupV2(tmp_path)


EXPECTED = Reading(
    vm_bytes=1000, peak_vm_bytes=1500, limit_bytes=4096, swap_bytes=50, anon_bytes=700, file_bytes=300,
    kernel_bytes=30, cpu_s=2.5, throttled_s=1.5, oom_kills=2, limit_hits=7,
)  # fmt: skip


def test_v1_counters_are_read(v1: CgroupV1) -> None:
    """Anonymous memory, page cache and kernel memory are told apart; times are seconds."""
    assert v1.read(G) == EXPECTED


def test_v2_counters_are_read(v2: CgroupV2) -> None:
    """The same figures from the unified tree, which has a memory pressure of its own."""
    assert v2.read(G) == dataclasses.replace(EXPECTED, psi_some=1.5, psi_full=0.25)


def test_what_the_kernel_does_not_say_is_unknown_and_not_zero(v1: CgroupV1) -> None:
    """GIVEN a group that is gone THEN every figure is None, and the file that was not there is named."""
    reading = v1.read("gone")
    assert reading == Reading()
    assert reading.why["vm_bytes"] == f"{v1.memory}/gone/memory.usage_in_bytes: No such file or directory"


def test_a_kernel_of_v1_that_counts_no_hits_is_not_taken_for_none(v1: CgroupV1) -> None:
    """GIVEN memory.failcnt of 0, as Linux 6.18 leaves it after a kill too THEN hits are unknown, and why is told."""
    (v1.memory / G / "memory.failcnt").write_text("0\n")
    reading = v1.read(G)
    assert reading.limit_hits is None
    assert reading.why["limit_hits"].endswith("memory.failcnt: says 0, as kernels do that do not count")


def test_a_group_without_a_limit_has_none(v1: CgroupV1, v2: CgroupV2) -> None:
    """GIVEN no limit THEN it is no number, however the kernel writes that."""
    (v1.memory / G / "memory.stat").write_text("hierarchical_memory_limit 9223372036854771712\n")
    (v2.base / G / "memory.max").write_text("max\n")
    assert v1.read(G).limit_bytes is None
    assert v2.read(G).limit_bytes is None
    assert "says 'max'" in v2.read(G).why["limit_bytes"]


def test_a_counter_is_read_anew_each_time(v1: CgroupV1) -> None:
    """GIVEN files that are kept open THEN each reading is of now."""
    assert v1.read(G).vm_bytes == 1000
    (v1.memory / G / "memory.usage_in_bytes").write_text("1001")
    assert v1.read(G).vm_bytes == 1001


def test_v1_counts_swap_against_the_limit(v1: CgroupV1) -> None:
    """GIVEN a kernel that counts swap THEN memory and swap together have the VM's size."""
    v1.limit(G, SIZE)
    folder = v1.memory / G
    assert (folder / "memory.limit_in_bytes").read_text() == str(256 * MIB)
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == str(256 * MIB)
    assert (v1.cpu / G / "cpu.shares").read_text() == "64"


def test_v1_refuses_swap_that_it_cannot_count(v1: CgroupV1, tmp_path: Path) -> None:
    """GIVEN swap and a kernel that does not count it THEN one line says the way out; no swap is fine."""
    (v1.memory / G / "memory.memsw.limit_in_bytes").unlink()
    v1.swaps = tmp_path / "swaps"
    v1.swaps.write_text("Filename Type Size\n")
    v1.limit(G, SIZE)
    v1.swaps.write_text("Filename Type Size\n/swapfile file 1024\n")
    with pytest.raises(OomproofError, match="swap is on"):
        v1.limit(G, SIZE)


def test_v2_switches_swap_off(v2: CgroupV2) -> None:
    """The unified tree has a swap limit of its own: none is allowed."""
    v2.limit(G, SIZE)
    assert (v2.base / G / "memory.max").read_text() == str(256 * MIB)
    assert (v2.base / G / "memory.swap.max").read_text() == "0"


def test_the_cpu_share_is_flys(v1: CgroupV1, v2: CgroupV2) -> None:
    """An eighth of a core is 10 ms of every 80 ms."""
    v1.set_cpu_quota(G, 0.125)
    v2.set_cpu_quota(G, 0.125)
    assert (v1.cpu / G / "cpu.cfs_quota_us").read_text() == "10000"
    assert (v2.base / G / "cpu.max").read_text() == "10000 80000"


def test_the_machines_hierarchy_is_found(v1: CgroupV1, v2: CgroupV2, tmp_path: Path) -> None:
    """GIVEN a machine with a v1 memory controller THEN v1 is used, as only one can hold it."""
    assert find_hierarchy(tmp_path).name == "cgroup v1"
    (tmp_path / "memory" / "memory.limit_in_bytes").unlink()
    assert find_hierarchy(tmp_path).name == "cgroup v2"


def test_a_machine_without_controllers_is_one_line(tmp_path: Path) -> None:
    """GIVEN no controllers THEN the message names the folder and the way out."""
    with pytest.raises(OomproofError, match="no cgroup memory controller"):
        find_hierarchy(tmp_path)


def test_a_tree_that_cannot_be_written_is_one_line(v2: CgroupV2, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a refused write THEN the message names the file and says what is needed."""

    def refuse(group: str, size: VmSize) -> None:
        raise PermissionError(13, "Permission denied", str(v2.base / group / "memory.max"))

    monkeypatch.setattr(v2, "limit", refuse)
    with pytest.raises(OomproofError, match=r"memory.max: Permission denied. A real limit needs root"):
        Cgroup(v2, "oomproof-new").create(SIZE)
    assert not (v2.base / "oomproof-new").exists()


@pytest.mark.parametrize("name", ["", ".", "docker", "oomproof-1-1/..", "../oomproof-1-1"])
def test_no_group_of_others_can_be_taken_for_a_vm(v2: CgroupV2, name: str) -> None:
    """GIVEN the name of the tree's root, or of a group that is not ours THEN there is nothing that could be killed."""
    with pytest.raises(OomproofError, match="not a name of ours"):
        Cgroup(v2, name)


def test_only_the_groups_of_dead_owners_are_stale(v2: CgroupV2) -> None:
    """GIVEN groups of ours, of a living and of a dead owner THEN only the dead one's is stale."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"oomproof-{os.getpid()}-1", f"oomproof-{ended.pid}-1", "oomproof-other", "g2"):
        (v2.base / name).mkdir()
    assert [group.name for group in stale_groups(v2)] == [f"oomproof-{ended.pid}-1"]


def test_v1_gives_the_vm_its_swap_beside_its_memory(v1: CgroupV1, tmp_path: Path) -> None:
    """GIVEN 64 MB of swap THEN memory and swap together may be that much more, and the kernel may swap."""
    v1.limit(G, VmSize(256, 2, 0.125, 64))
    folder = v1.memory / G
    assert (folder / "memory.limit_in_bytes").read_text() == str(256 * MIB)
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == str(320 * MIB)
    assert not (folder / "memory.swappiness").exists()


def test_v2_gives_the_vm_its_swap_beside_its_memory(v2: CgroupV2) -> None:
    """GIVEN 64 MB of swap THEN that much has a limit of its own."""
    v2.limit(G, VmSize(256, 2, 0.125, 64))
    assert (v2.base / G / "memory.max").read_text() == str(256 * MIB)
    assert (v2.base / G / "memory.swap.max").read_text() == str(64 * MIB)


def test_v1_without_the_cpu_controller_limits_memory_alone(v1: CgroupV1) -> None:
    """GIVEN a machine whose CPU controller is elsewhere THEN the memory is limited, and no CPU file is written."""
    shutil.rmtree(v1.cpu)
    shutil.rmtree(v1.cpuacct)
    walls = Cgroup(v1, G)
    v1.limit(G, SIZE)
    walls.set_cpus(0.125)
    assert not walls.limits_cpu
    assert v1.folders(G) == [v1.memory / G]
    assert not v1.cpu.exists()


def test_v1_refuses_a_vm_above_a_limit_that_holds_already(v1: CgroupV1) -> None:
    """GIVEN a container of 128 MB THEN a VM of 256 in it is refused: its own limit would never kill."""
    (v1.memory / "memory.limit_in_bytes").write_text(str(128 * MIB))
    with pytest.raises(OomproofError, match="allows 128 MB, and the VM is to have 256"):
        v1.limit(G, SIZE)
    (v1.memory / "memory.limit_in_bytes").write_text(str(256 * MIB))
    v1.limit(G, SIZE)


@pytest.mark.parametrize("writable", [True, False])
def test_v1_is_offered_to_who_may_write_it(
    v1: CgroupV1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, writable: bool
) -> None:
    """GIVEN the memory controller on v1 THEN it is offered, or the folder that lacks permission is named."""
    monkeypatch.setattr(os, "access", lambda path, mode: writable)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = offer_v1(tmp_path)
    assert found.available is writable
    assert found.reason == ("" if writable else f"{tmp_path}/memory: cannot be written by this user")


def test_v1_is_not_offered_where_it_does_not_hold_memory(tmp_path: Path) -> None:
    """GIVEN a tree without it THEN the line says where was looked."""
    assert str(tmp_path) in offer_v1(tmp_path).reason


def test_a_group_that_stays_is_told_with_what_is_in_it(v2: CgroupV2, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a group that cannot be removed THEN the line names its folder and the processes inside."""
    (v2.base / G / "cgroup.procs").write_text("4194304\n0\n")
    walls = Cgroup(v2, G)
    monkeypatch.setattr(walls, "kill_all", lambda: False)
    monkeypatch.setattr("profiles.cgroup_v2.remove_folder", lambda folder: False)
    with pytest.raises(RunError, match=rf"{v2.base}/{G}: could not be removed \(processes inside: 4194304\)"):
        walls.destroy()


def test_neither_init_nor_we_ourselves_are_ever_killed(v2: CgroupV2) -> None:
    """GIVEN a group that claims to hold everybody THEN only what is certainly another process is signalled."""
    inside, outside = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    try:
        listed = f"0\n1\n{os.getpid()}\n{inside.pid}\n4194304\n"
        (v2.base / G / "cgroup.procs").write_text(listed)
        Cgroup(v2, G)._kill([-1, 0, 1, os.getpid(), 4194304, inside.pid, outside.pid])
        assert inside.wait(10) == -signal.SIGKILL
        assert outside.poll() is None, "it was inside when the list was read, and is no more"
    finally:
        for process in (inside, outside):
            process.kill()
            process.wait()
    assert not Cgroup(v2, G).kill_all(within_s=0.0)


def test_v2_kills_a_whole_group_at_once_where_it_can(v2: CgroupV2) -> None:
    """GIVEN cgroup.kill THEN it is written, so that nothing born meanwhile escapes."""
    (v2.base / G / "cgroup.kill").write_text("")
    Cgroup(v2, G)._kill([])
    assert (v2.base / G / "cgroup.kill").read_text() == "1"
