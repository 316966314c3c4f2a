"""The backends by name: which can build a VM's walls on this machine, and the walls themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiles import cgroup_v1, cgroup_v2, systemd_scope, uml_backend, watchdog, whole_machine
from profiles.attached import BACKEND
from profiles.attached_walls import AttachedWalls
from profiles.cgroup import Cgroup, stale_groups
from profiles.errors import OomproofError, RunError
from profiles.machine import find_hierarchy
from profiles.offer import Offer
from profiles.vm_size import VmSize
from profiles.walls import Walls


@dataclass(frozen=True)
class Backend:
    """One way to build walls: whether this machine offers it, and the walls of a VM by its name and run folder.

    What nobody offers is opened by name only, such as the walls that were found around a running process. `enter`
    brings the command to where the walls can be built; `size` is what a VM has there, whatever was asked for.
    """

    name: str
    walls: Callable[[str, Path], Walls]
    offer: Callable[[], Offer] | None = None
    enter: Callable[[], None] | None = None
    size: Callable[[], VmSize] | None = None


def _cgroup(backend: str, name: str) -> Walls:
    hierarchy = find_hierarchy()
    if backend != hierarchy.name:
        raise OomproofError(f"--backend {backend!r}: this machine has {hierarchy.name}. Leave it out.")
    return Cgroup(hierarchy, name)


TABLE = (
    Backend("cgroup v1", lambda name, _: _cgroup("cgroup v1", name), cgroup_v1.offer),
    Backend("cgroup v2", lambda name, _: _cgroup("cgroup v2", name), cgroup_v2.offer),
    Backend(
        systemd_scope.NAME,
        lambda name, _: systemd_scope.walls(name),
        systemd_scope.offer,
        enter=systemd_scope.enter,
    ),
    Backend("watchdog", watchdog.WatchdogWalls, watchdog.offer),
    Backend(
        whole_machine.NAME, whole_machine.WholeMachine, whole_machine.offer, size=whole_machine.machine_size
    ),
    Backend(
        uml_backend.NAME,
        uml_backend.UmlMachine,
        uml_backend.offer,
        enter=uml_backend.refuse_outside,
        size=whole_machine.machine_size,
    ),
    Backend(BACKEND, AttachedWalls),
)
"""Every backend there is, the best first."""
BACKENDS = tuple(backend.name for backend in TABLE if backend.offer is not None)
"""Those that can be asked for by name."""


def offers() -> list[Offer]:
    """Return what this machine says to each backend, the best first."""
    return [backend.offer() for backend in TABLE if backend.offer is not None]


def best_backend() -> str:
    """Return the best backend that this machine offers.

    Raises:
        OomproofError: it offers none; says what to do.
    """
    return choose(None)


def choose(backend: str | None) -> str:
    """Return the backend of that name, or the best one that this machine offers for None.

    Raises:
        OomproofError: there is no such backend, or this machine does not offer it; says what to do.
    """
    return _offered(backend).backend


def _offered(backend: str | None) -> Offer:
    if backend is None:
        return _best()
    found = _named(backend)
    if found.offer is None:
        raise _unknown(backend)
    offer = found.offer()
    if not offer.available:
        raise OomproofError(f"--backend {backend!r}: {offer.text}")
    return offer


def _best() -> Offer:
    refused = []
    for found in TABLE:
        if found.offer is None:
            continue
        if (
            found.name == "cgroup v2" and systemd_scope.inside()
        ):  # both can be had there: say how we came to it
            continue
        offer = found.offer()
        if offer.available and offer.best:
            return offer
        if offer.best:
            refused.append(f"{offer.backend}: {offer.reason}")
    raise OomproofError(f"no backend can make a VM here ({'; '.join(refused)}). See oomproof doctor.")


def enter(backend: str | None) -> Offer:
    """Choose a backend and return its offer, once this command is where its walls can be built.

    A systemd scope is entered by starting the command again, in place of this process: call it before anything
    else was started or written.

    Raises:
        OomproofError: there is no such backend, or this machine does not offer it.
    """
    offer = _offered(backend)
    if (way := _named(offer.backend).enter) is not None:
        way()
    return offer


def own_size(backend: str) -> VmSize | None:
    """Return the size that every VM of that backend has; None where it can be chosen."""
    own = _named(backend).size
    return None if own is None else own()


def check_size(backend: str | None, size: VmSize) -> None:
    """Refuse a VM of a size that the backend cannot give it, before anything is started.

    Raises:
        OomproofError: all VMs of that backend have another.
    """
    own = None if backend is None else own_size(backend)
    if own is not None and own.memory_mb != size.memory_mb:
        raise OomproofError(
            f"VM of {size.memory_mb} MB: with --backend {backend} every VM has {own.memory_mb} MB. "
            "Leave --memory and vm.memory out."
        )


def walls_of(backend: str, name: str, folder: Path) -> Walls:
    """Return the walls of that name; nothing is built yet. What the backend must write goes into `folder`.

    Raises:
        OomproofError: there is no such backend, or this machine cannot have its walls.
    """
    return _named(backend).walls(name, folder)


def _named(backend: str) -> Backend:
    for found in TABLE:
        if found.name == backend:
            return found
    raise _unknown(backend)


def _unknown(backend: str) -> OomproofError:
    return OomproofError(f"--backend {backend!r}: unknown. Choose one of {', '.join(BACKENDS)}.")


def remove_stale() -> None:
    """Remove the VMs of owners that were killed before they could."""
    with contextlib.suppress(OomproofError):  # a machine without control groups has none to remove
        for cgroup in stale_groups(find_hierarchy()):
            with contextlib.suppress(RunError):  # what cannot die stays, and is tried again by the next run
                cgroup.destroy()
