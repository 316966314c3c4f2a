"""The server's jobs, which make chunks ahead of reading, whether or not the client that asked stays."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from cachetools import LRUCache

from reference_server.chunk import Voicing
from reference_server.errors import ApiError
from reference_server.job import Job
from reference_server.open_documents import OpenDocuments
from reference_server.outline import Outline
from reference_server.progress import Progress
from reference_server.rates import Rates
from reference_server.store import ChunkStore
from reference_server.workshop import OpenMaker, Workshop

MOST_JOBS = 32
_RETRY_AFTER_S = 30
_ENDS_REMEMBERED = 128

_log = logging.getLogger(__name__)


class Jobs:
    """The jobs of the server, one a document, side by side; its length is how many there are."""

    def __init__(
        self, store: ChunkStore, open_documents: OpenDocuments, open_maker: OpenMaker, concurrency: int
    ) -> None:
        """At most `concurrency` blocks are made at once, over all jobs."""
        self._store = store
        self._open_documents = open_documents
        self._workshop = Workshop(open_maker, concurrency)
        self._jobs: dict[asyncio.Task[None], Job] = {}
        self._ended: LRUCache[str, Progress] = LRUCache(_ENDS_REMEMBERED)

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def rates(self) -> Rates | None:
        """What blocks have cost since the server's start; None before the first."""
        return self._workshop.meter.rates

    @property
    def concurrency(self) -> int:
        """How many blocks are made at once."""
        return self._workshop.concurrency

    def start(self, document_id: str, outline: Outline, pages: Mapping[int, int], voicing: Voicing) -> Job:
        """Return the job that makes these pages: the one that runs for the document already, or a new one.

        `pages` gives the number of each page's blocks. A new job closes the outline at its end.

        Raises:
            ApiError: 409 `JOB_RUNNING` while the document is being made with other settings, 503
                `OVERLOADED` when a new job would be one too many.
        """
        job = self.running(document_id)
        if job is None:
            self._check_room()
            job = self._begin(Job(document_id, outline, voicing, self._store))
        elif job.voicing != voicing:
            message = "The document is being made with other settings. Wait for it, or cancel it."
            raise ApiError(409, "JOB_RUNNING", message)
        job.add(pages)
        return job

    def running(self, document_id: str) -> Job | None:
        """Return the open job of a document."""
        return next((job for job in self._of(document_id).values() if job.is_open), None)

    def ended(self, document_id: str) -> Progress | None:
        """Return how the document's last job ended, while that is remembered."""
        end: Progress | None = self._ended.get(document_id)
        return end

    def progress(self, document_id: str) -> Progress | None:
        """Return how far the document's newest job is, or how the last one ended, while that is remembered."""
        job = next(reversed(self._of(document_id).values()), None)
        return job.progress if job else self.ended(document_id)

    async def cancel(self, document_id: str) -> bool:
        """End a document's job, keep what it made, and return whether there was one."""
        job = self.running(document_id)
        if job is None:
            return False
        job.cancel()
        await self._stop([task for task, other in self._jobs.items() if other is job])
        return True

    async def stop(self, document_id: str) -> None:
        """Break off what runs for a document, and return when nothing of it touches the store any more."""
        await self._abandon(self._of(document_id))
        self._ended.pop(document_id, None)

    async def stop_all(self) -> None:
        """Break off all jobs, as `stop` does one document's."""
        await self.aclose()
        self._ended.clear()

    async def aclose(self) -> None:
        """Break off all jobs."""
        await self._abandon(dict(self._jobs))

    def _check_room(self) -> None:
        if len(self._jobs) >= MOST_JOBS:
            message = f"{len(self._jobs)} documents are being made already. Ask again later."
            raise ApiError(503, "OVERLOADED", message, headers={"Retry-After": str(_RETRY_AFTER_S)})

    def _begin(self, job: Job) -> Job:
        task = asyncio.create_task(self._run(job, list(self._of(job.document_id))))
        task.add_done_callback(self._end)
        self._jobs[task] = job
        return job

    def _of(self, document_id: str) -> dict[asyncio.Task[None], Job]:
        return {task: job for task, job in self._jobs.items() if job.document_id == document_id}

    async def _abandon(self, jobs: Mapping[asyncio.Task[None], Job]) -> None:
        for job in jobs.values():
            job.abandon()
        await self._stop(list(jobs))

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, job: Job, before: list[asyncio.Task[None]]) -> None:
        if before:  # a job of this document that is closed, but not yet out of the store
            await asyncio.wait(before)
        started_s = time.monotonic()
        name = {"document": job.document_id}
        with self._open_documents.hold(job.document_id):
            total = job.progress.total
            _log.info("%s: a job starts, %d blocks", job.document_id, total, extra={**name, "total": total})
            try:
                await job.run(self._workshop)
            finally:
                end, seconds = job.progress, round(time.monotonic() - started_s, 3)
                counts = {"done": end.done, "failed": end.failed, "total": end.total, "seconds": seconds}
                message = "%s: the job ends, %d of %d done, %d failed, %.1f s"
                shown = (job.document_id, end.done, end.total, end.failed, seconds)
                _log.info(message, *shown, extra={**name, **counts})

    def _end(self, task: asyncio.Task[None]) -> None:
        job = self._jobs.pop(task)
        if not task.cancelled() and task.exception():
            _log.error("%s: the job failed", job.document_id, exc_info=task.exception())
        job.end()
        self._ended[job.document_id] = job.progress
