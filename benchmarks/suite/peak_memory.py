"""The most memory that a server and its children hold while something is done.

The server's own peak is the kernel's mark (VmHWM in proc(5)), set back at the start: none falls between two looks.
That of all processes at once is the highest sum of their RSS in samples, where what they share counts once for each.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

BETWEEN_SAMPLES_S = 0.2
"""A look at all processes takes milliseconds, which who is watched should not miss; an aligner's size is steady."""
MB = 1_000_000
_PROC = Path("/proc")
_RSS_PEAK_BACK = "5"
"""What /proc/PID/clear_refs takes to set VmHWM to the RSS of now."""


class PeakMemory:
    """Watches a process and its children, in a thread, while its `with` lasts.

    Attributes:
        before_mb: RSS of the process at the start.
        server_mb: the most that it held.
        tree_mb: the most that it and its children were seen to hold together.
        samples: how often was looked.
    """

    def __init__(self, pid: int) -> None:
        self.before_mb = self.server_mb = self.tree_mb = 0.0
        self.samples = 0
        self._server = psutil.Process(pid)
        self._command = self._server.cmdline()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        (_PROC / str(self._server.pid) / "clear_refs").write_text(_RSS_PEAK_BACK, encoding="ascii")
        self.before_mb = self._server.memory_info().rss / MB
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._server.is_running():
            self._look()
            self.server_mb = _peak_bytes(self._server.pid) / MB

    def _watch(self) -> None:
        while not self._over.wait(BETWEEN_SAMPLES_S):
            try:
                self._look()
            except psutil.NoSuchProcess:
                return

    def _look(self) -> None:
        rss_bytes = self._server.memory_info().rss
        for child in self._server.children(recursive=True):
            try:
                if child.cmdline() != self._command:  # until its exec, a child's memory is the server's
                    rss_bytes += child.memory_info().rss
            except psutil.Error:
                continue
        self.tree_mb = max(self.tree_mb, rss_bytes / MB)
        self.samples += 1


def _peak_bytes(pid: int) -> int:
    _, _, after = (
        (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace").partition("VmHWM:")
    )
    return int(after.split(None, 1)[0]) * 1024
