"""What the kernel says when it kills for memory: /dev/kmsg read as it happens, its lines parsed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_KILLED = re.compile(
    r"(?P<memcg>Memory cgroup out of memory|Out of memory)[^:]*: "
    r"Killed process (?P<pid>\d+) \((?P<comm>.*?)\)"
    r"(?:.*?anon-rss:(?P<anon_kb>\d+)kB)?"
)
_CONSTRAINT = re.compile(r"oom-kill:constraint=.*?oom_memcg=(?P<memcg>[^,]*),.*?pid=(?P<pid>\d+)")


@dataclass(frozen=True)
class KernelKill:
    """One process killed by the kernel for memory."""

    pid: int
    comm: str
    anon_rss_mb: float | None
    whole_machine: bool
    line: str


def parse_kill(line: str) -> KernelKill | None:
    """Return the kill that a kernel log line tells of, or None."""
    match = _KILLED.search(line)
    if match is None:
        return None
    return KernelKill(
        pid=int(match["pid"]),
        comm=match["comm"],
        anon_rss_mb=None if match["anon_kb"] is None else round(int(match["anon_kb"]) / 1024, 1),
        whole_machine=match["memcg"].startswith("Out"),
        line=line,
    )


def parse_memcg(line: str) -> tuple[int, str] | None:
    """Return the pid and the control group whose limit was hit, from the kernel's `oom-kill:` line."""
    match = _CONSTRAINT.search(line)
    return None if match is None else (int(match["pid"]), match["memcg"])


class KernelLog:
    """New kernel log lines since it was opened; nothing where it cannot be read (`readable` says so)."""

    def __init__(self, path: Path = Path("/dev/kmsg")) -> None:
        self._fd: int | None = None
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError:
            self.close()

    @property
    def readable(self) -> bool:
        """Whether this process may read the kernel log."""
        return self._fd is not None

    def lines(self) -> list[str]:
        """The lines that came since the last call, without their prefix."""
        found: list[str] = []
        while self._fd is not None:
            try:
                record = os.read(self._fd, 8192)
            except BlockingIOError:
                break
            except BrokenPipeError:
                continue  # the ring buffer overran us: the next read gives its oldest line
            except OSError:
                self.close()
                break
            if not record:
                break
            found.append(record.decode(errors="replace").partition(";")[2].split("\n")[0])
        return found

    def close(self) -> None:
        """Stop reading."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
