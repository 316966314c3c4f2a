"""Watches a process and all below it from a thread of the test, and keeps the most that they held."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from profiles.memory_budget_tree import BudgetTree, Held, Look, how_it_ended
from profiles.vm_size import MIB

SAMPLES_PER_S = 20
FEWEST_SAMPLES = 5
"""A quarter of a second: of less than that nobody can say what children held."""
_ENDS_WITHIN_S = 0.5
"""So long its parent may not know yet that it has ended, after its memory is gone."""


class MeasuredNothingError(Exception):
    """What was to be measured could not be; the message says why."""


@dataclass(frozen=True)
class Peak:
    """The most that was held while it was watched.

    Attributes:
        sampled_bytes: RSS of a process and all below it, of the highest sample.
        at_s: when that was taken, in seconds since the watch began.
        held: who held it, the most first.
        mark: the one process that the kernel itself noted the most of (VmHWM), so also between two samples.
        children: the most processes that were below the first at once.
        children_at_s: when that was.
    """

    sampled_bytes: int = 0
    at_s: float = 0.0
    held: tuple[Held, ...] = ()
    mark: Held | None = None
    children: int = 0
    children_at_s: float = 0.0

    @property
    def rss_bytes(self) -> int:
        """The most that is known to have been held at once."""
        return max(self.sampled_bytes, self.mark.rss_bytes if self.mark else 0)

    def with_look(self, look: Look, at_s: float) -> Peak:
        """Return the peak of what was seen before and now."""
        peak, mark = self, look.highest
        if look.rss_bytes > peak.sampled_bytes:
            held = tuple(sorted(look.held, key=lambda process: -process.rss_bytes))
            peak = replace(peak, sampled_bytes=look.rss_bytes, at_s=at_s, held=held)
        if mark is not None and (peak.mark is None or mark.rss_bytes > peak.mark.rss_bytes):
            peak = replace(peak, mark=mark)
        if len(look.held) - 1 > peak.children:
            peak = replace(peak, children=len(look.held) - 1, children_at_s=at_s)
        return peak


class Watch:
    """Samples one process and all below it from `begin` to `end`, 20 times a second, and whenever it is asked."""

    def __init__(self, pid: int) -> None:
        """Raises MeasuredNothingError where it cannot be watched."""
        try:
            self._tree = BudgetTree(pid)
        except ProcessLookupError:
            ended = _ended(pid)
            why = f": it ended {ended}" if ended else ""
            raise MeasuredNothingError(f"There is no process {pid}{why}.") from None
        except OSError as error:
            raise MeasuredNothingError(f"The process {pid} cannot be read: {error.strerror}.") from None
        self.pid = pid
        self.peak = Peak()
        self.samples = 0
        self.seconds = 0.0
        self._lost: MeasuredNothingError | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"memory-budget-{pid}", daemon=True)
        self._began_s = time.monotonic()

    @property
    def command(self) -> str:
        """What runs there, as it was when the watch began."""
        return self._tree.command

    @property
    def peak_rss_mb(self) -> float:
        """The most RSS so far of the process and all below it, in MB of 1,048,576 bytes."""
        return self.peak.rss_bytes / MIB

    def begin(self) -> None:
        """Take the first sample, and go on in a thread. Raises MeasuredNothingError."""
        try:
            self.sample()
        except MeasuredNothingError:
            self._tree.close()
            raise
        self._thread.start()

    def end(self) -> None:
        """Take the last sample. Raises MeasuredNothingError where the process is gone, or there are too few."""
        self._stop.set()
        self._thread.join()
        try:
            self.sample()
        finally:
            self._tree.close()
        if self.samples < FEWEST_SAMPLES:
            raise MeasuredNothingError(
                f"Only {self.samples} samples in {self.seconds:.2f} s are too few to know a peak. "
                "Keep the watch open for longer, or repeat the call."
            )

    def broken_off(self) -> str:
        """End it early, and return what was seen: why a call failed may well be that its server was killed."""
        self._stop.set()
        self._thread.join()
        deadline = time.monotonic() + _ENDS_WITHIN_S
        try:
            while time.monotonic() < deadline:  # a connection breaks a moment before its process is gone
                self.sample()
                time.sleep(1 / SAMPLES_PER_S)
        except MeasuredNothingError as error:
            return str(error)
        finally:
            self._tree.close()
        most = f"{self.peak_rss_mb:.1f} MB with all below it"
        return f"until then the process {self.pid} ({self.command}) held at most {most}."

    def sample(self) -> Look:
        """Look now. Raises MeasuredNothingError where the process is gone."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            try:
                look = self._tree.look()
            except OSError as error:
                self._lost = self._told(error)
                raise self._lost from None
            self.seconds = time.monotonic() - self._began_s
            self.samples += 1
            self.peak = self.peak.with_look(look, self.seconds)
            return look

    def _run(self) -> None:
        while not self._stop.wait(1 / SAMPLES_PER_S):
            try:
                self.sample()
            except MeasuredNothingError:
                return  # whoever ends the watch is told

    def _told(self, error: OSError) -> MeasuredNothingError:
        since = f"{time.monotonic() - self._began_s:.1f} s after the watch began"
        ended = _ended(self.pid) if isinstance(error, ProcessLookupError) else ""
        if not isinstance(error, ProcessLookupError):
            return MeasuredNothingError(
                f"The process {self.pid} could not be read {since}: {error.strerror}."
            )
        return MeasuredNothingError(
            f"The process {self.pid} ({self.command}) was gone {since}{f'; it ended {ended}' if ended else ''}. "
            f"It held at most {self.peak_rss_mb:.1f} MB with all below it, in {self.samples} samples."
        )


def _ended(pid: int) -> str:
    """How a child of ours ended; empty where nobody knows. Its memory goes a moment before its parent is told."""
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while (ended := how_it_ended(pid)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return ended or ""
