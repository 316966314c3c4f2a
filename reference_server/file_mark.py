"""By what a file is told from another one, and from itself in another state."""

from __future__ import annotations

import os

Mark = tuple[int, int, int, int]
"""Which file it is, and in which state: inode, size, and the times of its content and of itself, in ns."""


def mark_of(stat: os.stat_result) -> Mark:
    """Return the mark of a file."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
