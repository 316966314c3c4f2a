"""What more readers would take, by calculation from what was measured: cores, bandwidth, memory, machines, money.

Nothing here was measured at these numbers. Each input is a figure of `bench.json`; each formula stands below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.store import BYTES_PER_S
from benchmarks.suite.fly_prices import TRAFFIC_A_GB, VOLUME_BYTES_PER_S, Size

READERS = (10_000, 1_000_000)
REQUESTS_A_BLOCK = 2
"""Its chunk and its word timings."""
USED_AT_MOST = 0.7
"""Of a machine's CPU and memory, in the calculation: where all is used, the wait for it has no bound. An assumption."""


@dataclass(frozen=True)
class Cost:
    """What one reader takes of the server, at pace 1, while listening; at most, for parts are counted at their dearest.

    Attributes:
        cpu_us: of a request for a chunk that is taken at once; one for timings takes less.
        stream_cores: share of a core of a stream that is taken as it plays, its request aside.
        block_bytes: of its MP3.
        base_mb: RSS of a server without readers, MB of 1,000,000 bytes.
        stream_kb: RSS of an open stream, kB of 1,000 bytes.
        underway_kb: of a stream in the kernel's buffers: page cache that cannot be given back.
    """

    cpu_us: float
    stream_cores: float
    block_bytes: float
    base_mb: float
    stream_kb: float
    underway_kb: float

    @property
    def block_s(self) -> float:
        """How long a block plays: its MP3 has 128 kbit/s."""
        return self.block_bytes / BYTES_PER_S

    @property
    def cores(self) -> float:
        """Share of a core: requests a block, times CPU a request, over the block's duration; and the open stream's."""
        return REQUESTS_A_BLOCK * self.cpu_us / 1e6 / self.block_s + self.stream_cores


@dataclass(frozen=True)
class Need:
    """What so many readers need in all who listen at once: so many times what one takes."""

    readers: int
    requests_per_s: float
    cores: float
    bytes_per_s: float
    streams_mb: float
    underway_mb: float

    @property
    def traffic_dollars_an_hour(self) -> float:
        """To the internet."""
        return self.bytes_per_s * 3600 / 1e9 * TRAFFIC_A_GB

    @property
    def cold_machines(self) -> int:
        """How many volumes it takes where no chunk is in memory: a volume gives so much, and each machine has one."""
        return math.ceil(self.bytes_per_s / VOLUME_BYTES_PER_S)


@dataclass(frozen=True)
class Machines:
    """How many machines of a size carry the readers, and whether CPU or memory asks for the most of them."""

    size: Size
    count: int
    limit: str
    dollars_a_month: float
    mbit_per_s_each: float


def need_of(cost: Cost, readers: int) -> Need:
    """Return what so many readers need."""
    return Need(
        readers=readers,
        requests_per_s=readers * REQUESTS_A_BLOCK / cost.block_s,
        cores=readers * cost.cores,
        bytes_per_s=readers * BYTES_PER_S,
        streams_mb=readers * cost.stream_kb / 1000,
        underway_mb=readers * cost.underway_kb / 1000,
    )


def machines_of(cost: Cost, need: Need, size: Size) -> Machines:
    """Return how many machines of a size it takes: by CPU, and by memory beside the server itself; the larger number.

    Raises:
        ValueError: the server itself does not fit.
    """
    room_mb = USED_AT_MOST * size.memory_mb - cost.base_mb
    if room_mb <= 0:
        raise ValueError(f"{size.name}: a server of {cost.base_mb:g} MB leaves no room for readers")
    asked = {
        "CPU": math.ceil(need.cores / (USED_AT_MOST * size.cores)),
        "memory": math.ceil((need.streams_mb + need.underway_mb) / room_mb),
    }
    limit = max(asked, key=lambda name: asked[name])
    count = asked[limit]
    return Machines(size, count, limit, count * size.dollars_a_month, 8 * need.bytes_per_s / 1e6 / count)
