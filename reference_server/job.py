"""One making of one document's chunks: what is asked for, how far it is, who follows it, how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from reference_server.chunk import Voicing
from reference_server.errors import ServerError
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore
from reference_server.threads import run_to_end

_log = logging.getLogger(__name__)


class GenerationError(ServerError):
    """The chunk of one block could not be made; the others may still be."""


MakeChunk = Callable[[str, Block, Voicing], Awaitable[None]]
"""Makes and stores one block's chunk with its timings. Raises GenerationError, or OSError from the disk."""

OpenMaker = Callable[[], AbstractAsyncContextManager[MakeChunk]]
"""What makes chunks for the life of one job: an aligner process that ends with the job."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: of `total` blocks asked for, `done` are stored; `failed` will be tried next time."""

    document_id: str
    state: str
    done: int
    total: int
    failed: int
    message: str | None

    def to_json(self) -> dict[str, object]:
        """Return the progress as the routes show it; `message` tells the last failure, if there was one."""
        told = {"message": self.message} if self.message else {}
        counts = {"done": self.done, "total": self.total, "failed": self.failed}
        return {"documentId": self.document_id, "state": self.state, **counts, **told}


class Job:
    """The making of one document's chunks with one set of settings; `add` widens it while it is open."""

    def __init__(self, document_id: str, outline: Outline, voicing: Voicing) -> None:
        self.document_id = document_id
        self.voicing = voicing
        self._outline = outline
        self._state = "running"
        self._closed = self._ran = False
        self._pending: deque[Block] = deque()
        self._asked: set[int] = set()
        self._busy = self._done = self._failed = 0
        self._message: str | None = None
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether blocks can still be added."""
        return not self._closed

    @property
    def progress(self) -> Progress:
        """How far the job is now; its state is `running`, `done`, or `failed` if any block is missing."""
        total = len(self._asked)
        return Progress(self.document_id, self._state, self._done, total, self._failed, self._message)

    def add(self, blocks: Iterable[Block]) -> None:
        """Ask for more blocks; those that were asked for already are not made twice."""
        for block in blocks:
            if block.ordinal not in self._asked:
                self._asked.add(block.ordinal)
                self._pending.append(block)
        self._notify()

    async def follow(self) -> AsyncGenerator[Progress, None]:
        """Yield the progress now and at changes, skipping what a slow reader missed; the last is the end."""
        while True:
            changed, progress = self._changed, self.progress
            yield progress
            if progress.state != "running":
                return
            await changed.wait()

    async def run(self, store: ChunkStore, open_maker: OpenMaker, concurrency: int) -> None:
        """Make every block that was asked for and is not stored, at most `concurrency` at a time."""
        try:
            await run_to_end(store.prune, self.document_id, self._outline)
            await self._skip_stored(store)
            if self._pending:
                async with open_maker() as make, asyncio.TaskGroup() as group:
                    for _ in range(concurrency):
                        group.create_task(self._work(store, make))
            self._closed = True
            await run_to_end(store.rebuild_metadata, self.document_id, self.voicing)
            self._ran = True
        except (GenerationError, OSError) as error:
            self._give_up(error)

    def end(self) -> None:
        """Close the job, whatever became of it, and tell those who follow it."""
        self._closed = True
        self._failed = len(self._asked) - self._done
        if not self._ran and self._message is None:
            self._message = "The job was broken off. Ask again, and it goes on where it stopped."
        self._state = "failed" if self._failed or not self._ran else "done"
        self._notify()

    async def _skip_stored(self, store: ChunkStore) -> None:
        asked = list(self._pending)
        self._pending.clear()

        def missing() -> list[Block]:
            return [block for block in asked if not store.has(self.document_id, block, self.voicing)]

        found = await run_to_end(missing)
        self._done += len(asked) - len(found)
        self._pending.extendleft(reversed(found))
        self._notify()

    async def _work(self, store: ChunkStore, make: MakeChunk) -> None:
        while (block := await self._next()) is not None:
            try:
                if not await run_to_end(store.has, self.document_id, block, self.voicing):
                    await make(self.document_id, block, self.voicing)
                self._done += 1
            except GenerationError as error:
                self._failed += 1
                self._message = f"Page {block.page}, block {block.index}: {error}"
                _log.warning("%s: %s", self.document_id, self._message)
            except OSError as error:  # a full or broken disk fails every block: stop drawing new ones
                self._failed += 1
                self._give_up(error)
            finally:
                self._busy -= 1
                self._notify()

    async def _next(self) -> Block | None:
        while not self._pending:
            if not self._busy:
                self._closed = True
                return None
            await self._changed.wait()
        self._busy += 1
        return self._pending.popleft()

    def _give_up(self, error: GenerationError | OSError) -> None:
        self._closed = True
        self._pending.clear()
        self._message = f"The store: {error.strerror}." if isinstance(error, OSError) else str(error)
        _log.error("%s: the job stops. %s", self.document_id, self._message)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
