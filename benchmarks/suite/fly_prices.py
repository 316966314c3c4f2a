"""Fly's sizes and prices as docs/guide/operations.md quotes them, with source and date; a test compares the two."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.vm_size import SHARED_SHARE_OF_CORE

PARIS = 1.135
VCPU, GB = 2.19, 6.00
"""Dollars for 30 days in Ashburn: a shared vCPU with its quarter of a GB, and each GB beyond."""
WHOLE_CORE = 37.50
"""Dollars a month of performance-1x with 2 GB."""
TRAFFIC_A_GB = 0.02
"""Dollars for a GB to the internet in Europe."""
VOLUME_A_GB = 0.15
"""Dollars for a GB of a volume and month."""
VOLUME_GB = 10
VOLUME_BYTES_PER_S = 16 * 1024 * 1024
"""What a volume gives on a shared-cpu-2x."""


@dataclass(frozen=True)
class Size:
    """A machine: its name, what of a core it may use for good, its memory, and what 30 days cost with a volume."""

    name: str
    cores: float
    memory_mb: float
    dollars_a_month: float


def shared(vcpus: int, memory_gb: float) -> Size:
    """Return a shared machine of so many vCPUs, priced by the formula of Fly's price list."""
    dollars = PARIS * (VCPU * vcpus + GB * (memory_gb - vcpus / 4))
    name = f"shared-cpu-{vcpus}x, {memory_gb:g} GB"
    return Size(name, vcpus * SHARED_SHARE_OF_CORE, _mb(memory_gb), dollars + VOLUME_GB * VOLUME_A_GB)


def _mb(gb: float) -> float:
    """In MB of 1,000,000 bytes; Fly's GB are GiB."""
    return gb * 1024**3 / 1e6


SIZES = (
    shared(2, 4),
    Size("performance-1x, 2 GB", 1.0, _mb(2), WHOLE_CORE + VOLUME_GB * VOLUME_A_GB),
)
"""The machine that the app is deployed on, and the smallest whole core."""
