"""The server's jobs, which make chunks ahead of reading, whether or not the client that asked stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from cachetools import LRUCache

from reference_server.chunk import Voicing
from reference_server.errors import ApiError
from reference_server.job import Job, OpenMaker, Progress
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

_ENDS_REMEMBERED = 128

_log = logging.getLogger(__name__)


class Jobs:
    """The jobs of the server: one a document, and one at a time that has an aligner; others wait in turn."""

    def __init__(self, store: ChunkStore, open_maker: OpenMaker, concurrency: int) -> None:
        self._store = store
        self._open_maker = open_maker
        self._concurrency = concurrency
        self._turn = asyncio.Lock()
        self._jobs: dict[asyncio.Task[None], Job] = {}
        self._ended: LRUCache[str, Progress] = LRUCache(_ENDS_REMEMBERED)

    def start(self, document_id: str, outline: Outline, blocks: Iterable[Block], voicing: Voicing) -> Job:
        """Return the job that makes these blocks: the one that runs for the document already, or a new one.

        Raises:
            ApiError: 409 `JOB_RUNNING` while the document is being made with other settings.
        """
        job = self.running(document_id)
        if job is None:
            job = Job(document_id, outline, voicing)
            task = asyncio.create_task(self._run(job))
            task.add_done_callback(self._end)
            self._jobs[task] = job
        elif job.voicing != voicing:
            message = "The document is being made with other settings. Wait for it, or delete its cache."
            raise ApiError(409, "JOB_RUNNING", message)
        job.add(blocks)
        return job

    def running(self, document_id: str) -> Job | None:
        """Return the open job of a document: one that runs or waits for its turn."""
        return next(
            (job for job in self._jobs.values() if job.document_id == document_id and job.is_open), None
        )

    def ended(self, document_id: str) -> Progress | None:
        """Return how the document's last job ended, while that is remembered."""
        end: Progress | None = self._ended.get(document_id)
        return end

    async def stop(self, document_id: str) -> None:
        """Break off what runs for a document, and return when nothing of it touches the store any more."""
        await self._stop([task for task, job in self._jobs.items() if job.document_id == document_id])
        self._ended.pop(document_id, None)

    async def aclose(self) -> None:
        """Break off all jobs."""
        await self._stop(list(self._jobs))

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, job: Job) -> None:
        async with self._turn:
            await job.run(self._store, self._open_maker, self._concurrency)

    def _end(self, task: asyncio.Task[None]) -> None:
        job = self._jobs.pop(task)
        if not task.cancelled() and task.exception():
            _log.error("%s: the job failed", job.document_id, exc_info=task.exception())
        job.end()
        self._ended[job.document_id] = job.progress
