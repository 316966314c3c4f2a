"""Where VMs are made on cgroup v2, and how processes are led out of there and back, on a made-up tree."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from profiles import delegated
from profiles.cgroup import Cgroup, stale_groups
from profiles.cgroup_v2 import CgroupV2, offer
from profiles.errors import OomproofError, RunError
from profiles.vm_size import MIB, VmSize

LEAF = f"oomproof-owner-{os.getpid()}"
NOBODY = 4_194_304
"""The first number that is never a pid on Linux: nothing real is killed by mistake."""
SIZE = VmSize(256, 2, 0.125)


class Kernel:
    """What the kernel does when the tree's files are written, in so far as it matters here."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        for module in ("delegated", "cgroup_v2", "cgroup"):
            monkeypatch.setattr(f"profiles.{module}.put", self.put)
        for module in ("delegated", "cgroup_v2"):
            monkeypatch.setattr(f"profiles.{module}.remove_folder", self.remove_folder)

    def group(self, path: str, *, pids: str = "", controllers: str = "cpu memory", top: bool = False) -> Path:
        """Make a group; the machine's own root is the only one without a type."""
        folder = self.root / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text(pids)
        (folder / "cgroup.controllers").write_text(controllers)
        (folder / "cgroup.subtree_control").write_text("")
        if not top:
            (folder / "cgroup.type").write_text("domain\n")
        return folder

    def put(self, path: Path, text: str) -> None:
        """Take a write as the kernel does."""
        if path.name == "cgroup.procs":
            for other in self.root.rglob("cgroup.procs"):
                other.write_text("".join(f"{pid}\n" for pid in other.read_text().split() if pid != text))
            path.write_text((path.read_text() if path.exists() else "") + f"{text}\n")
        elif path.name == "cgroup.subtree_control":
            self._share_out(path, text)
        else:
            path.write_text(text)

    def _share_out(self, path: Path, text: str) -> None:
        on, sign, name = set(path.read_text().split()), text[0], text[1:]
        if sign == "+" and name not in (path.parent / "cgroup.controllers").read_text().split():
            raise OSError(errno.ENOENT, "No such file or directory", str(path))
        if sign == "+" and (path.parent / "cgroup.type").exists() and pids(path.parent):
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        path.write_text(" ".join(sorted(on | {name} if sign == "+" else on - {name})))

    def remove_folder(self, folder: Path) -> bool:
        """Remove a group that holds no process."""
        if folder.is_dir() and not pids(folder):
            shutil.rmtree(folder)
        return not folder.exists()


def pids(folder: Path) -> list[str]:
    """The processes in a group."""
    path = folder / "cgroup.procs"
    return path.read_text().split() if path.exists() else []


def shared_out(folder: Path) -> str:
    """The controllers that the groups below have."""
    return (folder / "cgroup.subtree_control").read_text()


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """A made-up tree and its kernel."""
    return Kernel(tmp_path, monkeypatch)


def membership(path: Path, text: str) -> Path:
    """A made-up /proc/self/cgroup."""
    (path / "membership").write_text(text)
    return path / "membership"


def refuse_writes_to(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let this user write neither these folders nor their files."""
    real = os.access

    def access(path: Path, mode: int) -> bool:
        folder = path if path.is_dir() else path.parent
        return folder not in folders and real(path, mode)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def test_at_the_machines_own_root_nobody_is_moved(kernel: Kernel) -> None:
    """GIVEN the machine's root, full of processes WHEN a VM is added and removed THEN they stay where they are."""
    root = kernel.group("", pids="1\n77\n", top=True)
    hierarchy = CgroupV2(root)
    hierarchy.add("oomproof-1-1")
    assert pids(root) == ["1", "77"]
    assert shared_out(root) == "cpu memory"
    hierarchy.remove("oomproof-1-1")
    assert not list(root.glob("oomproof-*"))


def test_in_a_subtree_the_processes_are_led_out_and_back(kernel: Kernel) -> None:
    """GIVEN a delegated group that holds us WHEN a VM comes and goes THEN we leave and come back."""
    base = kernel.group("user", pids="50\n51\n")
    hierarchy = CgroupV2(base)
    hierarchy.add("oomproof-1-1")
    assert (pids(base), pids(base / LEAF), shared_out(base)) == ([], ["50", "51"], "cpu memory")
    hierarchy.remove("oomproof-1-1")
    assert (pids(base), shared_out(base)) == (["50", "51"], "")
    assert not list(base.glob("oomproof-*"))


def test_the_last_vm_takes_the_leaf_with_it_and_no_other(kernel: Kernel) -> None:
    """GIVEN two VMs in one subtree WHEN the first goes THEN the other keeps its controllers."""
    base = kernel.group("user", pids="50\n")
    hierarchy = CgroupV2(base)
    hierarchy.add("oomproof-1-1")
    hierarchy.add("oomproof-2-1")
    hierarchy.remove("oomproof-1-1")
    assert (pids(base / LEAF), shared_out(base)) == (["50"], "cpu memory")
    hierarchy.remove("oomproof-2-1")
    assert (pids(base), shared_out(base)) == (["50"], "")


def test_what_a_killed_owner_left_is_undone_with_its_vm(kernel: Kernel) -> None:
    """GIVEN a VM and a leaf of a dead owner, the leaf with a living process THEN both go and the process comes back."""
    base = kernel.group("user")
    (base / "cgroup.subtree_control").write_text("cpu memory")
    kernel.group(f"user/oomproof-{NOBODY}-1")
    kernel.group(f"user/oomproof-owner-{NOBODY}", pids="60\n")
    (stale,) = stale_groups(CgroupV2(base))
    stale.destroy()
    assert (pids(base), shared_out(base)) == (["60"], "")
    assert not list(base.glob("oomproof-*"))


def test_a_subtree_that_somebody_else_divides_too_stays_divided(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a controller that cannot be switched off again THEN nobody is moved into a group that may hold none."""
    base = kernel.group("user", pids="50\n")
    CgroupV2(base).add("oomproof-1-1")

    def refuse(path: Path, text: str) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    monkeypatch.setattr(delegated, "put", refuse)
    CgroupV2(base).remove("oomproof-1-1")
    assert (pids(base), pids(base / LEAF)) == ([], ["50"])


def test_a_process_that_does_not_let_itself_be_moved_is_named(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a process that stays WHEN a VM is made THEN one line names group and process, in bounded time."""
    base = kernel.group("user", pids="50\n")
    monkeypatch.setattr(delegated, "WITHIN_S", 0.05)
    monkeypatch.setattr(delegated, "put", lambda path, text: None)
    with pytest.raises(RunError, match=rf"{base}: processes 50 cannot be moved"):
        CgroupV2(base).add("oomproof-1-1")


def test_a_locked_subtree_is_waited_for_in_bounded_time(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN somebody who holds the subtree WHEN a VM is made THEN it is one line."""
    base = kernel.group("user")
    monkeypatch.setattr(delegated, "WITHIN_S", 0.05)
    with delegated.locked(base), pytest.raises(RunError, match="locked by another process"):
        CgroupV2(base).add("oomproof-1-1")


def test_the_leaf_is_not_taken_for_the_subtree(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process that was led out THEN VMs are made beside its leaf: recorder and owner agree on where."""
    root, base = kernel.group("", top=True), kernel.group("user")
    kernel.group(f"user/{LEAF}")
    refuse_writes_to(monkeypatch, root)
    for own in ("0::/user\n", f"0::/user/{LEAF}\n", f"4:memory:/x\n0::/user/{LEAF}\n"):
        assert delegated.base_of(root, membership(root, own)) == base


@pytest.mark.parametrize("own", ["0::/../outside\n", "0::/gone (deleted)\n", "4:memory:/x\n", ""])
def test_a_group_that_cannot_be_seen_is_none(kernel: Kernel, own: str) -> None:
    """GIVEN a process outside of what is mounted THEN it is in no group of ours."""
    root = kernel.group("", top=True)
    assert delegated.own_group(root, membership(root, own)) is None
    assert delegated.own_group(root, root / "no such file") is None


def test_a_user_with_a_subtree_is_offered_a_real_limit(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an ordinary user in a group of their own THEN cgroup v2 is offered, whole."""
    root = kernel.group("", top=True)
    kernel.group("user")
    refuse_writes_to(monkeypatch, root)
    found = offer(root, membership(root, "0::/user\n"))
    assert (found.available, found.text) == (True, "")


def test_a_user_without_one_is_told_what_is_missing(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an ordinary user in a group that is not theirs THEN the line names it and the way out."""
    root, base = kernel.group("", top=True), kernel.group("user")
    refuse_writes_to(monkeypatch, root, base)
    found = offer(root, membership(root, "0::/user\n"))
    assert (found.available, found.reason) == (False, f"{base}: cannot be written by this user")
    assert "sudo" in found.way_out


def test_root_in_a_container_that_may_not_write_is_told_so(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN root and a read-only tree THEN it is the container that lacks something."""
    root = kernel.group("")
    refuse_writes_to(monkeypatch, root)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = offer(root, membership(root, "0::/\n"))
    assert (found.available, found.reason) == (False, f"{root}: is read-only")
    assert "--privileged" in found.way_out


def test_a_containers_root_is_led_out_of_as_any_other(kernel: Kernel) -> None:
    """GIVEN the root of a container's namespace, which holds its processes THEN they are led out."""
    root = kernel.group("", pids="1\n9\n")
    assert delegated.base_of(root, membership(root, "0::/\n")) == root
    CgroupV2(root).add("oomproof-1-1")
    assert pids(root / LEAF) == ["1", "9"]


def test_without_the_cpu_controller_the_memory_limit_is_real_and_the_share_is_not_kept(
    kernel: Kernel,
) -> None:
    """GIVEN a subtree with memory alone THEN it is offered with a caveat, and no CPU file is written."""
    base = kernel.group("", pids="50\n", controllers="memory pids")
    found = offer(base, membership(base, "0::/\n"))
    assert found.available
    assert "has no cpu" in found.reason
    assert "Delegate=cpu" in found.way_out
    walls = Cgroup(CgroupV2(base), f"oomproof-{os.getpid()}-1")
    walls.create(SIZE)
    assert not walls.limits_cpu
    walls.set_cpus(0.125)
    folder = base / walls.name
    assert (folder / "memory.max").read_text() == str(256 * MIB)
    assert not [path.name for path in folder.glob("cpu.*")]


def test_without_the_memory_controller_there_is_no_vm(kernel: Kernel) -> None:
    """GIVEN a subtree without memory THEN it is refused, with the file and the way out."""
    base = kernel.group("", controllers="cpu pids")
    found = offer(base, membership(base, "0::/\n"))
    assert (found.available, found.reason) == (False, f"{base / 'cgroup.controllers'}: has no memory")
    assert "Delegate=" in found.way_out
    with pytest.raises(OomproofError, match=r"has no memory\. As root: boot with"):
        Cgroup(CgroupV2(base), f"oomproof-{os.getpid()}-1").create(SIZE)


def test_what_belongs_to_systemd_is_not_taken(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a group that we may write on a machine of systemd's THEN only its mark, or our own scope, makes it ours."""
    root, base = kernel.group("", top=True), kernel.group("session.scope")
    scope, systemd = kernel.group("oomproof-12.scope"), tmp_path / "systemd"
    assert delegated.undelegated(base, root, systemd) is None
    systemd.mkdir()
    assert "systemd" in (delegated.undelegated(base, root, systemd) or "")
    assert delegated.undelegated(scope, root, systemd) is None
    assert delegated.undelegated(root, root, systemd) is None
    monkeypatch.setattr(os, "getxattr", lambda path, name: b"1" if name == "user.delegate" else b"")
    assert delegated.undelegated(base, root, systemd) is None


def test_a_lower_limit_above_the_vm_is_refused(kernel: Kernel) -> None:
    """GIVEN a group that may have 128 MB WHEN a VM in it is to have 256 THEN the file and both sizes are named."""
    root = kernel.group("", top=True)
    base = kernel.group("user")
    (base / "memory.max").write_text("max")
    (root / "memory.max").write_text(str(128 * MIB))
    with pytest.raises(OomproofError, match=rf"{root}/memory.max: allows 128 MB, and the VM is to have 256"):
        Cgroup(CgroupV2(base), f"oomproof-{os.getpid()}-1").create(SIZE)
