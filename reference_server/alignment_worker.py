"""The aligner of pre-generation, seen from the server: one long-lived child that times known texts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from reference_server.aligner_programs import AlignerError, start_child
from reference_server.aligner_slots import AlignerSlots
from reference_server.children import end, how_it_ended
from reference_server.model import model_folder
from reference_server.settings import Settings
from reference_server.words import WordTime, load_words

_NAME = "alignment worker"

LONGEST_S = 600.0
"""For one block. It takes half a CPU second: a share of 12.5 % divided by thirty live aligners gives it in 120 s.
One that hangs would hold up all jobs."""


class _EndedError(AlignerError):
    """The child ended before it answered."""


class AlignmentWorker:
    """Times blocks one after the other in one child, which loads the model once; each takes a slot meanwhile.

    The child starts with the first block and ends with the `async with`; when the server itself is killed, the
    child reads the end of its input and ends too. Where it was killed since an earlier block, a new one is asked.
    """

    def __init__(self, settings: Settings, slots: AlignerSlots, command: Sequence[str] | None = None) -> None:
        self._slots = slots
        model = str(model_folder(settings.aligner_model))
        self._command = command or (sys.executable, "-m", "reference_server.align", "--model", model)
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def align(self, text: str, mp3_path: Path) -> list[WordTime]:
        """Return the words of a text with their times in the file.

        Raises:
            AlignerError: the file holds no sound, or the child died or babbled; the message says how.
        """
        async with self._slots.turn(ahead=True):
            may_be_gone = self._child is not None
            try:
                return await self._time(text, mp3_path)
            except _EndedError:
                if not may_be_gone:
                    raise
            return await self._time(text, mp3_path)

    async def _time(self, text: str, mp3_path: Path) -> list[WordTime]:
        child = await self._running()
        try:
            async with asyncio.timeout(LONGEST_S):
                return _words(await self._exchange(child, {"text": text, "mp3": str(mp3_path)}))
        except TimeoutError:
            await self._stop()
            raise AlignerError(f"the {_NAME} took longer than {LONGEST_S:.0f} s for one block") from None
        except asyncio.CancelledError:
            # Its answer would be taken for that of the next block.
            await self._stop()
            raise
        except ValueError as error:
            # A stray line: the answer that follows it would be taken for that of the next block.
            await self._stop()
            raise AlignerError(f"the {_NAME} answered with something else: {error}") from error

    async def _running(self) -> asyncio.subprocess.Process:
        if self._child is None:
            self._child = await start_child(_NAME, self._command, stdin=subprocess.PIPE, stderr=None)
        return self._child

    async def _exchange(self, child: asyncio.subprocess.Process, request: dict[str, str]) -> bytes:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            await child.stdin.drain()
            answer = await child.stdout.readline()
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        if not answer.endswith(b"\n"):
            self._child = None
            try:
                return_code = await child.wait()
            finally:
                await end(child)
            raise _EndedError(how_it_ended(_NAME, return_code))
        return answer

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            # Nothing of it is worth waiting for: it only reads, and answers go to nobody.
            await end(child)


def _words(answer: bytes) -> list[WordTime]:
    """Return the words of an answer; raises AlignerError for a refusal, ValueError for any other line."""
    parsed = json.loads(answer)
    if isinstance(parsed, dict) and "error" in parsed:
        raise AlignerError(f"the {_NAME} could not: {parsed['error']}")
    return load_words(answer)
