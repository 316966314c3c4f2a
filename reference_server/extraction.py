"""The extraction as the server sees it: a child process that reads a hostile file, and how it ended."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path

from reference_server.children import end, how_it_ended, start
from reference_server.document import Cut
from reference_server.errors import ApiError
from reference_server.settings import Settings
from reference_server.threads import run_to_end

_log = logging.getLogger(__name__)

_ANSWER_BYTES = 4096
"""The child's answer is one short line, which a pipe takes and gives whole."""

_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends the child without saying anything about the file; any other signal is its own doing."""


class Extraction:
    """Extracts documents, one at a time: others wait, while their uploads go on."""

    def __init__(self, settings: Settings) -> None:
        self._memory_bytes = settings.extract_memory_bytes
        self._timeout_s = settings.extract_timeout_s
        self._turn = asyncio.Lock()

    async def run(self, source: Path, pages: Path, *, is_markdown: bool) -> Cut:
        """Write the pages file of an uploaded file and return what it holds.

        Raises:
            ApiError: 422 `NOT_A_DOCUMENT`, `NO_TEXT`, `TEXT_TOO_LONG`, 503 `READER_KILLED`, 507 `DISK_FULL`.
        """
        limits = [str(self._memory_bytes), str(self._timeout_s)]
        text = "markdown" if is_markdown else "text"
        command = [sys.executable, "-m", "reference_server.extract", str(source), str(pages), text, *limits]
        async with self._turn:
            end_of_child = await self._run(command, source.with_name("complaint"))
        if end_of_child.return_code == -signal.SIGXCPU:
            raise _took_too_long(self._timeout_s)
        return _cut_of(end_of_child, self._memory_bytes)

    async def _run(self, command: list[str], complaint: Path) -> _End:
        # The complaint goes to a file: a library that complains without end fills a bounded file, not a pipe
        # that the server would have to read and hold.
        with complaint.open("xb+") as stderr:
            child = await _started(command, stderr.fileno())
            try:
                async with asyncio.timeout(self._timeout_s):
                    assert child.stdout is not None
                    answer = await child.stdout.read(_ANSWER_BYTES)
                    return_code = await child.wait()
            except TimeoutError:
                raise _took_too_long(self._timeout_s) from None
            finally:
                await end(child)
            return _End(return_code, answer, await run_to_end(_last_bytes, stderr.fileno()))


async def _started(command: list[str], stderr: int) -> Process:
    try:
        return await start(command, stdin=subprocess.DEVNULL, stderr=stderr)
    except OSError as error:  # memory or process numbers are short: nothing of the file was read
        message = f"The document's reader could not be started: {error.strerror}. Ask again."
        raise ApiError(503, "READER_KILLED", message) from error


@dataclass(frozen=True)
class _End:
    return_code: int
    answer: bytes
    complaint: bytes


def _cut_of(end_of_child: _End, memory_bytes: int) -> Cut:
    code = end_of_child.return_code
    if code in {0, 1}:
        try:
            fields = json.loads(end_of_child.answer)
            if code == 0:
                return Cut(**fields)
            raise ApiError(**fields)
        except (ValueError, TypeError):  # a library ended the process: no answer came
            pass
    _log.warning("%s", how_it_ended("document's reader", code, end_of_child.complaint))
    told = how_it_ended("document's reader", code)
    told = f"{told[0].upper()}{told[1:]}"
    if -code in _FROM_OUTSIDE:
        raise ApiError(503, "READER_KILLED", f"{told}. Ask again, or send a smaller document.")
    reason = f"The file is damaged, or needs more than {memory_bytes} bytes of memory"
    raise ApiError(422, "NOT_A_DOCUMENT", f"{told}. {reason}. Send another one.")


def _took_too_long(timeout_s: int) -> ApiError:
    message = f"Its text took longer than {timeout_s} s to find. Send a smaller document."
    return ApiError(422, "NOT_A_DOCUMENT", message)


def _last_bytes(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _ANSWER_BYTES, max(0, size - _ANSWER_BYTES))
