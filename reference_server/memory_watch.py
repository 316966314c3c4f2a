"""The memory of server and machine for those who watch it: read once a second for all, never for nobody."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reference_server.in_flight import InFlight
from reference_server.process_memory import ProcessMemory, read_process_memory
from reference_server.threads import run_to_end
from reference_server.vm_memory import VmMemory, read_vm_memory

_log = logging.getLogger(__name__)

LINE_BYTES = 2048 * 1024 * 1024
"""The plan's line: memory should stay below 2 GB."""

EVERY_S = 1.0


@dataclass(frozen=True)
class Memory:
    """What the processes hold, and what the machine under them."""

    processes: ProcessMemory
    vm: VmMemory

    def to_json(self) -> dict[str, object]:
        """Return the bytes as an event shows them."""
        return {
            "serverBytes": self.processes.server_bytes,
            "childrenBytes": self.processes.children_bytes,
            "children": self.processes.children,
            "vmBytes": self.vm.used_bytes,
            "vmLimitBytes": self.vm.limit_bytes,
            "vmSource": self.vm.source,
            "lineBytes": LINE_BYTES,
        }


def read_memory() -> Memory:
    """Look at both; waits for /proc."""
    return Memory(read_process_memory(), read_vm_memory())


class MemoryWatch:
    """The latest reading, which is as old as `EVERY_S` at most when it is asked for.

    Attributes:
        watchers: how many watch now.
    """

    def __init__(
        self, read: Callable[[], Memory] = read_memory, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.watchers = 0
        self._read = read
        self._clock = clock
        self._in_flight = InFlight[Memory]()
        self._latest: Memory | None = None
        self._began_s = float("-inf")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count one who watches, until the context ends."""
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1

    async def latest(self) -> Memory:
        """Return what is held; reads it in a thread, once for all who ask within a second.

        Raises:
            OSError: it cannot be read, and never could.
        """
        if self._latest is not None and self._clock() - self._began_s < EVERY_S:
            return self._latest
        memory, _ = await self._in_flight.share("", self._look)
        return memory

    async def _look(self) -> Memory:
        began_s = self._clock()
        try:
            self._latest = await run_to_end(self._read)
        except OSError as error:
            if self._latest is None:
                raise
            _log.warning("the memory was not read, so the last reading stays: %s", error)
        self._began_s = began_s
        return self._latest
