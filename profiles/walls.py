"""The walls around a VM's processes, whatever builds them: what a run and its recorder ask of a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from profiles.vm_size import VmSize

NAME_PREFIX = "oomproof-"
"""Every VM is `oomproof-<pid of its owner>-…`, so that what a dead owner left can be removed."""


@dataclass(frozen=True)
class Reading:
    """The VM's counters at one moment; None where nobody said.

    `limit_hits` counts how often an allocation met the limit; `psi_some` and `psi_full` are the VM's own memory
    pressure, in percent of the last 10 s. `why` says, by the counter's name, why it is unknown.
    """

    vm_bytes: int | None = None
    peak_vm_bytes: int | None = None
    limit_bytes: int | None = None
    swap_bytes: int | None = None
    anon_bytes: int | None = None
    file_bytes: int | None = None
    kernel_bytes: int | None = None
    cpu_s: float | None = None
    throttled_s: float | None = None
    oom_kills: int | None = None
    limit_hits: int | None = None
    psi_some: float | None = None
    psi_full: float | None = None
    why: Mapping[str, str] = field(default_factory=dict, compare=False)


class Walls(Protocol):
    """One VM's walls. The owner makes, fills and removes them; the recorder opens the same ones by name."""

    @property
    def name(self) -> str:
        """The VM's name, which the kernel's lines carry too where it is a control group's."""

    @property
    def backend(self) -> str:
        """What builds the walls, as reports name it, such as `cgroup v1`."""

    @property
    def emulated(self) -> bool:
        """Whether the limit is kept by a program instead of the kernel; said wherever its runs are shown."""

    @property
    def limits_cpu(self) -> bool:
        """Whether `set_cpus` has an effect: where not, the VM has the machine's CPUs and no balance is kept."""

    def create(self, size: VmSize) -> None:
        """Build them; raises OomproofError where the machine does not let us."""

    def join(self) -> None:
        """Put the calling process inside: runs between fork and exec."""

    def set_cpus(self, cpus: float) -> None:
        """Let the VM use `cpus` cores' worth of CPU from now on; raises OSError."""

    def pids(self) -> list[int]:
        """The processes inside; empty when the VM is gone. Raises OSError where they cannot be listed."""

    def read(self) -> Reading:
        """Read the counters."""

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether the VM is empty."""

    def destroy(self) -> None:
        """Kill what is inside and remove the walls; raises RunError where they stay."""
