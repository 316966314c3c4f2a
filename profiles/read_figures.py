"""Where a server's bytes came from under load: what it read or sent from files, and how much the page cache had."""

from __future__ import annotations

from typing import Any

from profiles.checkpoints import TRAFFIC
from profiles.run_folder import RunFolder
from profiles.vm_size import MIB


def read_figures(folder: RunFolder) -> dict[str, Any]:
    """Return what the server read between the checkpoints before and after the load; None: unknown, or restarted.

    The share is of what it read or sent from files: 1 - storage / all, and not below 0, for read-ahead may fetch more
    than is asked for.
    """
    figures: dict[str, Any] = dict.fromkeys(("server_read_mb", "server_storage_read_mb", "page_cache_share"))
    before, after = (
        next((event.facts for event in folder.named("checkpoint") if event.facts.get("label") == label), {})
        for label in ("before", "after")
    )
    rises = [_rise(before.get(name), after.get(name)) for name in TRAFFIC]
    if folder.named("restarted") or None in rises:
        return figures
    read, storage = (rise or 0.0 for rise in rises)
    figures["server_read_mb"], figures["server_storage_read_mb"] = (
        round(read / MIB, 1),
        round(storage / MIB, 1),
    )
    figures["page_cache_share"] = round(max(0.0, 1 - storage / read), 4) if read else None
    return figures


def _rise(before: object, after: object) -> float | None:
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after - before
    return None
