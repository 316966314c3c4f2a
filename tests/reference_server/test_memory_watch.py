"""One reading a second for all who watch, none for nobody."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from profiles.verdict import BUDGET_MB
from reference_server.memory_watch import EVERY_S, LINE_BYTES, Memory, MemoryWatch, read_memory
from reference_server.process_memory import ProcessMemory
from reference_server.vm_memory import VmMemory

MEMORY = Memory(ProcessMemory(100, 20, 2), VmMemory(300, 400, "cgroup"))


class Readings:
    """Readings that a test counts, each other than the last, by a clock of its own."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.count = 0
        self.threads: set[int] = set()
        self.error: OSError | None = None
        self.watch = MemoryWatch(self._read, lambda: self.now_s)

    def _read(self) -> Memory:
        self.count += 1
        self.threads.add(threading.get_ident())
        if self.error:
            raise self.error
        return self.at(self.count)

    def at(self, number: int) -> Memory:
        """Return what the reading of this number, from 1, tells."""
        return replace(MEMORY, processes=ProcessMemory(number, 20, 2))


@pytest.fixture
def readings() -> Readings:
    """A watch over made-up memory."""
    return Readings()


def test_nobody_watches_so_nothing_is_read(readings: Readings) -> None:
    """A watch that exists costs nothing."""
    assert readings.count == 0


def test_all_who_ask_within_a_second_get_the_same_reading(readings: Readings) -> None:
    """GIVEN a reading WHEN others ask before a second is over THEN it is theirs, and after it a new one."""

    async def ask() -> None:
        assert await readings.watch.latest() == readings.at(1)
        readings.now_s += EVERY_S - 0.001
        assert await readings.watch.latest() == readings.at(1)
        readings.now_s += 0.001
        assert await readings.watch.latest() == readings.at(2)

    asyncio.run(ask())


def test_all_who_ask_at_once_wait_for_one_reading(readings: Readings) -> None:
    """GIVEN 256 who come together WHEN there is no reading yet THEN there is one, and not on the loop's thread."""

    async def ask() -> None:
        asked = [readings.watch.latest() for _ in range(256)]
        assert set(await asyncio.gather(*asked)) == {readings.at(1)}

    asyncio.run(ask())
    assert readings.count == 1
    assert threading.get_ident() not in readings.threads


def test_a_reading_that_fails_leaves_the_last_one(
    readings: Readings, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN a reading WHEN the next fails THEN the last is told, with a line of log, and it is tried again."""

    async def ask() -> None:
        await readings.watch.latest()
        readings.error = OSError(24, "Too many open files")
        readings.now_s += EVERY_S
        assert await readings.watch.latest() == readings.at(1)
        assert await readings.watch.latest() == readings.at(1)
        assert readings.count == 2
        readings.error = None
        readings.now_s += EVERY_S
        assert await readings.watch.latest() == readings.at(3)

    asyncio.run(ask())
    (line,) = caplog.messages
    assert "Too many open files" in line


def test_a_first_reading_that_fails_is_told(readings: Readings) -> None:
    """Made-up numbers would be worse than none."""
    readings.error = OSError(24, "Too many open files")
    with pytest.raises(OSError, match="Too many open files"):
        asyncio.run(readings.watch.latest())


def test_those_who_watch_are_counted_whatever_becomes_of_them(readings: Readings) -> None:
    """GIVEN one who watches and one who breaks off WHEN both are gone THEN nobody is counted."""

    def break_off() -> None:
        with readings.watch.watching():
            assert readings.watch.watchers == 2
            raise ZeroDivisionError

    with readings.watch.watching():
        assert readings.watch.watchers == 1
        _raises(break_off)
        assert readings.watch.watchers == 1
    assert readings.watch.watchers == 0


def _raises(work: Callable[[], None]) -> None:
    with pytest.raises(ZeroDivisionError):
        work()


def test_an_event_shows_what_was_read() -> None:
    """The names are the wire's, all numbers are bytes but one."""
    assert MEMORY.to_json() == {
        "serverBytes": 100,
        "childrenBytes": 20,
        "children": 2,
        "vmBytes": 300,
        "vmLimitBytes": 400,
        "vmSource": "cgroup",
        "lineBytes": 2_147_483_648,
    }


def test_the_line_is_that_of_the_gate() -> None:
    """What the page draws is what a change is refused for."""
    assert LINE_BYTES == BUDGET_MB * 1024 * 1024


def test_the_real_memory_is_read() -> None:
    """GIVEN this process WHEN it is read THEN both sides are there."""
    memory = read_memory()
    assert 0 < memory.processes.server_bytes < memory.vm.limit_bytes
