"""Swap: whether the machine has any, and whether a VM's limits can say how much of it is the VM's."""

from __future__ import annotations

from pathlib import Path

from profiles.errors import OomproofError
from profiles.vm_size import VmSize

SWAPS = Path("/proc/swaps")


def swap_total_mb(swaps: Path = SWAPS) -> int | None:
    """Return how much swap is on, in MiB; None where nobody says."""
    try:
        lines = swaps.read_text().splitlines()[1:]
        return sum(int(line.split()[2]) for line in lines) // 1024  # proc_swaps(5): file, type, size in kB, …
    except (OSError, ValueError, IndexError):
        return None


def check_swap_fits(size: VmSize, swaps: Path = SWAPS) -> None:
    """Refuse a VM that is to swap more than this machine can.

    Raises:
        OomproofError: it cannot.
    """
    have_mb = swap_total_mb(swaps)
    if size.swap_mb > (have_mb or 0):
        has = "swap is unknown" if have_mb is None else f"has {have_mb} MB on this machine"
        raise OomproofError(
            f"VM with {size.swap_mb} MB of swap: {swaps} {has}. Add swap (mkswap, swapon), or leave --swap and "
            "vm.swap out."
        )


def check_swap_counted(size: VmSize, *, counted: bool, swaps: Path = SWAPS) -> None:
    """Refuse swap that the VM's limits do not count: it would hide what kills.

    Raises:
        OomproofError: the kernel does not count it, and there is some.
    """
    if not counted and (size.swap_mb or swap_total_mb(swaps)):
        raise OomproofError(
            f"{swaps}: swap is on and not counted against the limit, which hides what kills. "
            "Run swapoff -a, or boot with swapaccount=1."
        )
