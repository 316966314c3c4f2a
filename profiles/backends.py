"""The backends by name: which can build a VM's walls on this machine, and the walls themselves."""

from __future__ import annotations

from pathlib import Path

from profiles.cgroup import Cgroup, stale_groups
from profiles.errors import OomproofError
from profiles.machine import find_hierarchy
from profiles.walls import Walls

BACKENDS = ("cgroup v1", "cgroup v2")
"""Every backend there is, the best first."""


def best_backend() -> str:
    """Return the best backend that this machine offers.

    Raises:
        OomproofError: it offers none; says what to do.
    """
    return find_hierarchy().name


def walls_of(backend: str, name: str, folder: Path) -> Walls:
    """Return the walls of that name; nothing is built yet. What the backend must write goes into `folder`.

    Raises:
        OomproofError: this machine does not offer the backend.
    """
    hierarchy = find_hierarchy()
    if backend != hierarchy.name:
        raise OomproofError(f"--backend {backend!r}: this machine has {hierarchy.name}. Leave it out.")
    return Cgroup(hierarchy, name)


def remove_stale() -> None:
    """Remove the VMs of owners that were killed before they could."""
    for cgroup in stale_groups(find_hierarchy()):
        cgroup.destroy()
