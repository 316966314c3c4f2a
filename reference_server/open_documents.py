"""Which documents are open: read a moment ago, or being streamed or made at this moment."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MOST_TOUCHED = 10_000
"""More than ever are read at once: it bounds the memory, whatever is asked for."""


class OpenDocuments:
    """The documents that nothing may take chunks from. Every method may be called from any thread."""

    def __init__(self, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A touched document stays open for `open_s` seconds of `clock`; 0 means only while it is held."""
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._touched: OrderedDict[str, float] = OrderedDict()
        self._held: Counter[str] = Counter()

    def touch(self, document_id: str) -> None:
        """Keep a document open from now on: somebody reads it."""
        now = self._clock()
        with self._lock:
            self._touched[document_id] = now
            self._touched.move_to_end(document_id)
            while self._touched and self._is_forgettable(now):
                self._touched.popitem(last=False)

    @contextmanager
    def hold(self, document_id: str) -> Iterator[None]:
        """Keep a document open for the length of a stream or a job; several may hold it at the same time."""
        with self._lock:
            self._held[document_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[document_id] -= 1
                if not self._held[document_id]:
                    del self._held[document_id]

    def is_open(self, document_id: str) -> bool:
        """Return whether a document is held, or was touched less than `open_s` ago."""
        now = self._clock()
        with self._lock:
            if document_id in self._held:
                return True
            touched_at = self._touched.get(document_id)
            return touched_at is not None and not self._is_over(touched_at, now)

    def _is_forgettable(self, now: float) -> bool:
        longest_ago = next(iter(self._touched.values()))
        return len(self._touched) > _MOST_TOUCHED or self._is_over(longest_ago, now)

    def _is_over(self, touched_at: float, now: float) -> bool:
        return now - touched_at >= self._open_s
