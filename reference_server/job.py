"""One making of one document's chunks: what is asked for, how far it is, who follows it, how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping

from reference_server.backlog import Backlog
from reference_server.chunk import Voicing
from reference_server.errors import ServerError
from reference_server.failure_codes import FailureCode, code_of
from reference_server.failures import Failures
from reference_server.outline import Block, Outline
from reference_server.progress import Failure, JobState, Progress
from reference_server.store import ChunkStore, StoreFullError
from reference_server.threads import run_to_end
from reference_server.workshop import GenerationError, MakeChunk, Workshop

FAILURES_IN_A_ROW = 20
"""So many blocks that fail with none made in between end a job: the upstream is down, not the blocks bad."""

_log = logging.getLogger(__name__)


class Job:
    """The making of one document's chunks with one set of settings; `add` widens it while it is open.

    The outline is the job's own: it is closed at the end.
    """

    def __init__(self, document_id: str, outline: Outline, voicing: Voicing, store: ChunkStore) -> None:
        self.document_id = document_id
        self.voicing = voicing
        self._outline = outline
        self._store = store
        self._backlog = Backlog(outline, self._is_stored, self._notify)
        self._failures = Failures()
        self._made = 0
        self._state: JobState = "running"
        self._ran = self._cancelled = self._abandoned = False
        self._message: str | None = None
        self._code: FailureCode | None = None
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether pages can still be added."""
        return not self._backlog.closed

    @property
    def progress(self) -> Progress:
        """How far the job is now; its end is `cancelled`, `failed` if any block is missing, or `done`."""
        return Progress(
            document_id=self.document_id,
            state=self._state,
            done=self._backlog.found + self._made,
            total=self._backlog.total,
            failed=len(self._failures),
            pages_done=self._backlog.pages_done,
            pages_total=self._backlog.pages_total,
            message=self._message,
            code=self._code,
            failures=self._failures.last(),
        )

    def add(self, pages: Mapping[int, int]) -> None:
        """Ask for more pages, given with the number of their blocks.

        What was asked for already is not made twice, but what failed is tried again.
        """
        self._backlog.add(pages, self._failures.take(pages))
        self._notify()

    async def follow(self) -> AsyncGenerator[Progress | Failure, None]:
        """Yield the progress now and at changes, and each new failure; the last is the progress at the end.

        A slow reader misses steps in between, but no failure.
        """
        told = 0
        while True:
            changed, progress = self._changed, self.progress
            failures, told = self._failures.since(told)
            for failure in failures:
                yield failure
            yield progress
            if progress.state != "running":
                return
            await changed.wait()

    async def run(self, workshop: Workshop) -> None:
        """Make every block that was asked for and is not stored."""
        try:
            await self._make_all(workshop)
        finally:
            self._backlog.closed = True
            if self.progress.done and not self._abandoned:
                await self._write_metadata()

    def cancel(self) -> None:
        """Close the job: whoever calls this cancels `run` next, and wants the end to be `cancelled`."""
        self._backlog.closed = self._cancelled = True

    def abandon(self) -> None:
        """Close the job: whoever calls this cancels `run` next, and removes the chunks or ends the server."""
        self._backlog.closed = self._abandoned = True

    def end(self) -> None:
        """Close the job and its outline, whatever became of it, and tell those who follow it."""
        self._backlog.closed = True
        self._outline.close()
        if self._ran:
            self._state = "failed" if self._failures else "done"
        elif self._cancelled and not self._abandoned:
            self._state, self._code = "cancelled", None
            self._message = "The job was cancelled. What was made stays; ask again, and it goes on there."
        else:
            self._state = "failed"
            if self._message is None or self._abandoned:
                self._code = "BROKEN_OFF"
                self._message = "The job was broken off. Ask again, and it goes on where it stopped."
        self._notify()

    async def _make_all(self, workshop: Workshop) -> None:
        try:
            await run_to_end(self._store.prune, self.document_id, self._outline)
            if await self._backlog.look_up():
                async with workshop.opened() as make, asyncio.TaskGroup() as group:
                    for _ in range(workshop.blocks_at_once):
                        group.create_task(self._work(make))
            self._backlog.closed = self._ran = True
        except* (ServerError, OSError) as errors:
            self._give_up(errors.exceptions[0])

    async def _work(self, make: MakeChunk) -> None:
        try:
            while (block := await self._backlog.draw()) is not None:
                try:
                    await self._make(make, block)
                finally:
                    self._backlog.put_down()
                    self._notify()
                await run_to_end(self._store.rebuild_metadata_if_due, self.document_id, self.voicing)
        except BaseException:
            self._backlog.closed = True  # at once: who asks for more now needs another job
            raise

    async def _make(self, make: MakeChunk, block: Block) -> None:
        try:
            await make(self.document_id, block, self.voicing)
        except GenerationError as error:
            self._fail(block, error)
            if self._failures.in_a_row >= FAILURES_IN_A_ROW:
                message = f"The last {FAILURES_IN_A_ROW} blocks all failed, so the job stops. {error}"
                raise GenerationError(message) from error
        except (OSError, StoreFullError) as error:  # the next block would meet it too
            self._fail(block, error)
            raise
        else:
            self._made += 1
            self._backlog.made(block)
            self._failures.in_a_row = 0

    async def _write_metadata(self) -> None:
        try:
            await run_to_end(self._list_chunks)
        except (OSError, StoreFullError) as error:
            self._ran = False
            self._give_up(error)

    def _list_chunks(self) -> None:
        # It reads every sidecar: a reader who asks at each page for what is made already must not cost that.
        if self._made or not self._store.is_listed(self.document_id):
            self._store.rebuild_metadata(self.document_id, self.voicing)

    def _is_stored(self, block: Block) -> bool:
        return self._store.has(self.document_id, block, self.voicing)

    def _fail(self, block: Block, error: Exception) -> None:
        failure, self._code = self._failures.add(block, _told(error)), code_of(error)
        self._message = f"Page {block.page}, block {block.index}: {failure.message}"
        _log.warning("%s: %s", self.document_id, self._message)

    def _give_up(self, error: Exception) -> None:
        self._message, self._code = _told(error), code_of(error)
        _log.error("%s: the job stops. %s", self.document_id, self._message)

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _told(error: Exception) -> str:
    return f"The store: {error.strerror}." if isinstance(error, OSError) else str(error)
