"""What a tab holds, asked of the browser itself after it has collected its garbage."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Held:
    """JavaScript's heap with its buffers, what the browser keeps for it (both bytes in use), nodes, listeners."""

    heap_bytes: int
    embedder_bytes: int
    nodes: int
    listeners: int


def held_by(page: Page) -> Held:
    """Collect garbage in a tab, twice, for what the first lets go of, and ask what is held then."""
    session = page.context.new_cdp_session(page)
    try:
        session.send(
            "Runtime.evaluate", {"expression": "performance.clearResourceTimings()"}
        )  # the browser's own log
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")
        counts = session.send("Memory.getDOMCounters")
        script_bytes = int(heap["usedSize"] + heap.get("backingStorageSize", 0))
        embedder_bytes = int(heap.get("embedderHeapUsedSize", 0))
        return Held(script_bytes, embedder_bytes, counts["nodes"], counts["jsEventListeners"])
    finally:
        session.detach()
