"""The files and folders that control groups are made, limited and removed by."""

from __future__ import annotations

import os
import time
from pathlib import Path

from profiles.errors import OomproofError
from profiles.vm_size import MIB

CGROUP_ROOT = Path("/sys/fs/cgroup")
NEEDS_ROOT = "Run with sudo, or in a container started with --privileged."


def remove_folder(folder: Path, within_s: float = 5.0) -> bool:
    """Remove a group's folder and return whether it is gone."""
    deadline = time.monotonic() + within_s
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)  # EBUSY until the kernel has let the last process go
    return True


def put(path: Path, text: str) -> None:
    """Write a control file; raises OSError that names it, which a refused write alone does not."""
    try:
        path.write_text(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def check_room(limit: Path, wanted_bytes: int) -> None:
    """Refuse a limit above one that holds already: the VM's own could then never be what kills.

    Raises:
        OomproofError: the group that `limit` belongs to may have less.
    """
    try:
        have_bytes = int(limit.read_text())
    except (OSError, ValueError):  # no such limit here, or `max`
        return
    if have_bytes < wanted_bytes:
        raise OomproofError(
            f"{limit}: allows {have_bytes // MIB} MB, and the VM is to have {wanted_bytes // MIB}. "
            "Raise it, or give the VM less."
        )


def unwritable(folder: Path) -> str | None:
    """Return why no group can be made in a folder; None where it can."""
    if not folder.is_dir():
        return f"{folder}: is not there"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder}: cannot be written by this user" if os.geteuid() else f"{folder}: is read-only"
    return None
