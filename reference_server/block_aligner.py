"""What times the blocks that are made ahead: the long-lived worker, whisper.cpp block by block, or nothing."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from reference_server.aligner_programs import AlignerError, Programs
from reference_server.aligner_slots import AlignerSlots
from reference_server.alignment_worker import AlignmentWorker
from reference_server.live_aligner import aligner_folder
from reference_server.settings import Settings
from reference_server.words import WordTime


class BlockAligner(Protocol):
    """Times blocks while its `async with` lasts, and leaves no process behind."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def align(self, text: str, mp3_path: Path) -> list[WordTime] | None:
        """Return the words of a text with their times in the file; None when nothing is to be timed.

        Raises:
            AlignerError: the file holds no sound, or the aligner failed; the message says how.
        """


def block_aligner(settings: Settings, slots: AlignerSlots) -> BlockAligner:
    """Return the one aligner of all jobs, as the setting `aligner` says.

    Raises:
        ModelError: the embedded aligner's model is gone since the server started.
    """
    match settings.aligner:
        case "none":
            return NoAligner()
        case "whisper.cpp":
            return ProcessPerBlock(Programs.installed(settings), aligner_folder(settings), slots)
        case "embedded":
            return AlignmentWorker(settings, slots)


class _NothingToEnd:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class NoAligner(_NothingToEnd):
    """Times nothing and starts nothing."""

    async def align(self, text: str, mp3_path: Path) -> None:
        """Return None."""


class ProcessPerBlock(_NothingToEnd):
    """Times each block in processes of its own, one block at a time; each takes a slot meanwhile."""

    def __init__(self, programs: Programs, folder: Path, slots: AlignerSlots) -> None:
        self._programs = programs
        self._folder = folder
        self._slots = slots

    async def align(self, text: str, mp3_path: Path) -> list[WordTime]:
        """Return the words of a text with their times in the file.

        Raises:
            AlignerError: a process failed or was killed, or answered with something else than words.
        """
        async with self._slots.turn(ahead=True):
            try:
                with tempfile.TemporaryDirectory(dir=self._folder) as name:
                    return await self._programs.time_words(text, mp3_path, Path(name), None)
            except OSError as error:
                raise AlignerError(f"the block's files cannot be written: {error}") from error
