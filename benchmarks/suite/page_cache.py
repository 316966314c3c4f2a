"""The page cache, emptied: what is read next comes from the disk."""

from __future__ import annotations

import os
from pathlib import Path

_DROP = Path("/proc/sys/vm/drop_caches")
_PAGES_AND_INODES = "3\n"

NOTE = (
    "Cold means that the whole machine's page cache was emptied before (vm.drop_caches, which needs root); what the"
    " disk, or the host of a virtual machine, keeps for itself was not."
)


def empty_page_cache() -> None:
    """Write what is to be written, and have the kernel forget all of the files that nobody uses now.

    Raises:
        OSError: we may not.
    """
    os.sync()
    _DROP.write_text(_PAGES_AND_INODES, encoding="ascii")
