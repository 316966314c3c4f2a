"""What this machine is and offers."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from profiles.cgroup import Hierarchy
from profiles.cgroup_v1 import CgroupV1
from profiles.cgroup_v2 import CgroupV2
from profiles.control_files import CGROUP_ROOT
from profiles.delegated import base_of
from profiles.errors import OomproofError
from profiles.swap import check_swap_fits
from profiles.vm_size import MIB, VmSize


def find_hierarchy(root: Path = CGROUP_ROOT) -> Hierarchy:
    """Return the hierarchy that holds this machine's memory controller.

    Raises:
        OomproofError: there is none.
    """
    if (root / "memory" / "memory.limit_in_bytes").exists():
        return CgroupV1(root)
    if (root / "cgroup.controllers").exists():
        return CgroupV2(base_of(root))
    raise OomproofError(
        f"{root}: no cgroup memory controller here. Run on Linux with cgroup v1 or v2 "
        "mounted (a container needs --privileged)."
    )


def memory_mb() -> int:
    """Return the machine's memory in MiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MIB


def check_vm_fits(size: VmSize) -> None:
    """Refuse a VM that is larger than the machine: its limit could never be what kills, nor its swap be had.

    Raises:
        OomproofError: it does not fit.
    """
    have_mb = memory_mb()
    if size.memory_mb > have_mb:
        raise OomproofError(
            f"VM of {size.memory_mb} MB: this machine has {have_mb} MB. "
            "Give a smaller --memory, or a larger machine."
        )
    check_swap_fits(size)


def check_linux() -> None:
    """Refuse what has no kernel to kill with.

    Raises:
        OomproofError: this is not Linux.
    """
    if sys.platform != "linux":
        raise OomproofError(f"{sys.platform}: not Linux. A real kernel kill needs a Linux machine or VM.")


def describe() -> dict[str, object]:
    """Return what a reader of a report must know of the machine."""
    return {
        "cpu_model": _cpu_model(),
        "cpus": os.cpu_count(),
        "memory_mb": memory_mb(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
