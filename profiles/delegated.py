"""A cgroup v2 subtree that VMs are made in: the machine's root, a container's, or one given to an ordinary user.

Only the machine's own root may hold processes and share out memory among groups below it. Anywhere else the
processes must first be led out into a group of their own, a leaf beside the VMs, and back when the last VM is gone.
https://docs.kernel.org/admin-guide/cgroup-v2.html#no-internal-process-constraint
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from profiles.control_files import put, remove_folder, unwritable
from profiles.errors import OomproofError, RunError
from profiles.walls import NAME_PREFIX

OWNER_PREFIX = f"{NAME_PREFIX}owner-"
"""The leaf is `oomproof-owner-<pid>`, of the process that led the others out."""
OWN_SCOPE = re.compile(rf"{NAME_PREFIX}\d+\.scope")
MEMBERSHIP = Path("/proc/self/cgroup")
WITHIN_S = 10.0
NEEDS_DELEGATE = (
    "Put `[Service]` and `Delegate=cpu cpuset io memory pids` into /etc/systemd/system/user@.service.d/delegate.conf, "
    "run systemctl daemon-reload, and log in again."
)
NEEDS_MEMORY = (
    f"As root: boot with cgroup_enable=memory. As a user: {NEEDS_DELEGATE[0].lower()}{NEEDS_DELEGATE[1:]}"
)


def base_of(root: Path, own: Path = MEMBERSHIP) -> Path:
    """Return the group that VMs are made in: the tree's root where we may write it, else the group we are in."""
    return root if os.access(root, os.W_OK) else own_base(root, own) or root


def own_base(root: Path, own: Path = MEMBERSHIP) -> Path | None:
    """Return the group that we are in, or were until we were led out of it; None where it is not below `root`."""
    group = own_group(root, own)
    return group.parent if group is not None and group.name.startswith(OWNER_PREFIX) else group


def own_group(root: Path, own: Path = MEMBERSHIP) -> Path | None:
    """Return the cgroup v2 group that this process is in; None where it is not below `root`."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    names = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    if not names or ".." in Path(names[0]).parts:  # what is outside our namespace is called /../…
        return None
    folder = root / names[0]
    return folder if (folder / "cgroup.procs").exists() else None


def undelegated(base: Path, root: Path, systemd: Path = Path("/run/systemd/system")) -> str | None:
    """Return why VMs cannot be made in a group; None where they can.

    A group below the root that this user may write can still be systemd's: it marks what it gave away
    (systemd.resource-control(5), Delegate=), from version 251 on so that an ordinary user can read it.
    """
    for path in (base / "cgroup.procs", base / "cgroup.subtree_control"):
        if not os.access(path, os.W_OK):
            return unwritable(base) or f"{path}: cannot be written by this user"
    if complaint := unwritable(base):
        return complaint
    ours = any(OWN_SCOPE.fullmatch(part) for part in base.parts)
    if base == root or ours or not systemd.is_dir() or _marked(base):
        return None
    return f"{base}: belongs to systemd, which has not delegated it"


def _marked(base: Path) -> bool:
    try:
        return os.getxattr(base, "user.delegate") == b"1"
    except OSError:
        return False


@contextlib.contextmanager
def locked(base: Path) -> Iterator[None]:
    """Keep other owners from changing the subtree meanwhile.

    Raises:
        RunError: another holds it for longer than anybody needs.
        OSError: it is not there.
    """
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + WITHIN_S
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RunError(f"{base}: locked by another process for {WITHIN_S:g} s. End it.") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def share_out(base: Path) -> None:
    """Let the groups in `base` have limits of their own: of memory, and of CPU where that can be had.

    Raises:
        OomproofError: memory was not given to us.
        OSError: the kernel refuses it.
    """
    given = _controllers(base / "cgroup.controllers")
    if "memory" not in given:
        raise OomproofError(f"{base / 'cgroup.controllers'}: has no memory. {NEEDS_MEMORY}")
    missing = given - _controllers(base / "cgroup.subtree_control")
    if "memory" in missing and (base / "cgroup.type").exists():  # the machine's own root has no type
        _move(base, base / f"{OWNER_PREFIX}{os.getpid()}")
    if "memory" in missing:
        put(base / "cgroup.subtree_control", "+memory")
    if "cpu" in missing:
        with contextlib.suppress(OSError):  # then the VM's own files lack it, and say so
            put(base / "cgroup.subtree_control", "+cpu")


def take_back(base: Path) -> None:
    """Undo `share_out` once no VM is left: the processes that were led out come back, and their leaf goes.

    Raises:
        RunError: it could not be undone.
    """
    ours = [folder for folder in base.glob(f"{NAME_PREFIX}*") if folder.is_dir()]
    leaves = [folder for folder in ours if folder.name.startswith(OWNER_PREFIX)]
    if not leaves or len(leaves) < len(ours):
        return
    for name in {"cpu", "memory"} & _controllers(base / "cgroup.subtree_control"):
        try:
            put(base / "cgroup.subtree_control", f"-{name}")
        except OSError:  # a group that is not ours shares it out too: it stays, and so must the leaf
            return
    for leaf in leaves:
        _move(leaf, base)
        if not remove_folder(leaf):
            raise RunError(f"{leaf}: could not be removed. End what is in it, then remove it with rmdir.")


def _controllers(path: Path) -> set[str]:
    try:
        return set(path.read_text().split()) & {"memory", "cpu"}
    except OSError:
        return set()


def _move(source: Path, target: Path) -> None:
    """Move every process, also those born meanwhile."""
    deadline = time.monotonic() + WITHIN_S
    while pids := [pid for pid in (source / "cgroup.procs").read_text().split() if pid != "0"]:
        if time.monotonic() > deadline:
            raise RunError(f"{source}: processes {', '.join(pids)} cannot be moved to {target.name}.")
        target.mkdir(exist_ok=True)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                put(target / "cgroup.procs", pid)
