"""Word times on request, as deployed: a decoder process and an aligner process for each block.

With `ALIGNERS` 0 this does what the real application does, fault included: any number of processes at once,
identical work done again for each who asks, nothing stopped when a client leaves, results kept for ever. With
a bound, identical work is shared, stopped when the last who waits for it leaves, and at most eight blocks an
aligner wait: who asks for one more is sent away at once.
"""

import asyncio
import hashlib
import shutil
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache

from reference_server.children import end, how_it_ended, start
from reference_server.errors import ServerError
from reference_server.in_flight import InFlight
from reference_server.model import checked_model_folder
from reference_server.settings import Settings
from reference_server.threads import run_to_end
from reference_server.words import WordTime, load_words

_AUDIO, _TEXT = "audio.mp3", "text.txt"
_WAITING_PER_ALIGNER = 8
_RESULTS_WHEN_BOUNDED = 256
"""Blocks whose words a bounded server remembers, each about 20 kB: more than all readers are at together."""


class AlignerError(ServerError):
    """The words of a block could not be timed."""


class AlignerBusy(AlignerError):  # noqa: N818  (a state, met every day; the family's name says that it is an error)
    """As many wait for an aligner as may; ask again later."""

    retry_after_s = 1


@dataclass(frozen=True)
class Programs:
    """The commands of the two processes; each gets its files as further arguments."""

    decoder: tuple[str, ...]
    aligner: tuple[str, ...]

    @classmethod
    def installed(cls, settings: Settings) -> "Programs":
        """Return this package's own programs, after the model was checked.

        Raises:
            ModelError: the model is missing, or not the one expected.
        """
        model = str(checked_model_folder(settings.aligner_model))
        python = (sys.executable, "-m")
        return cls(
            decoder=(*python, "reference_server.decode"),
            aligner=(*python, "reference_server.transcribe", "--model", model),
        )


class LiveAligner:
    """Times the words of blocks in processes of their own, as many at once as the setting `aligners` says.

    Its files are in the docstore while they are needed; what a killed server left there is removed at start.
    """

    def __init__(self, settings: Settings, programs: Programs | None = None) -> None:
        self._programs = programs or Programs.installed(settings)
        self._folder = settings.docstore_dir / "aligner_tmp"
        # A server that was killed could not tidy up. Not /tmp: where that is memory, it would count as ours.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._bound = settings.aligners
        self._slots = asyncio.Semaphore(self._bound)
        self._in_flight = InFlight[list[WordTime]]()
        self._results: MutableMapping[str, list[WordTime]] = (
            LRUCache(_RESULTS_WHEN_BOUNDED) if self._bound else {}
        )

    async def align(self, text: str, audio: bytes, lang: str | None) -> list[WordTime]:
        """Return the words of a text with their times in the audio (a whole MP3).

        Raises:
            AlignerError: a process failed or was killed; the message says which and how.
            AlignerBusy: too many wait already; only when bounded.
        """
        key = _key(text, audio, lang)
        known = self._results.get(key)
        if known is not None:
            return known
        if not self._bound:
            return await self._align_and_keep(key, text, audio, lang)
        if key not in self._in_flight and len(self._in_flight) >= self._bound * (1 + _WAITING_PER_ALIGNER):
            raise AlignerBusy(f"{len(self._in_flight)} blocks are being timed or wait for it; ask again.")
        words, _ = await self._in_flight.share(key, lambda: self._in_turn(key, text, audio, lang))
        return words

    async def _in_turn(self, key: str, text: str, audio: bytes, lang: str | None) -> list[WordTime]:
        async with self._slots:
            return await self._align_and_keep(key, text, audio, lang)

    async def _align_and_keep(self, key: str, text: str, audio: bytes, lang: str | None) -> list[WordTime]:
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as name:
                folder = Path(name)
                await run_to_end(_write, folder, text, audio)
                answer = await self._run_programs(folder, lang)
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
            raise AlignerError(f"the block's files cannot be written: {error}") from error
        try:
            words = load_words(answer)
        except ValueError as error:
            raise AlignerError(f"the aligner answered with something else than words: {error}") from error
        self._results[key] = words
        return words

    async def _run_programs(self, folder: Path, lang: str | None) -> bytes:
        audio, wav, text = (str(folder / name) for name in (_AUDIO, "audio.wav", _TEXT))
        await _run("decoder", (*self._programs.decoder, audio, wav))
        language = () if lang is None else (f"--lang={lang}",)
        return await _run("aligner", (*self._programs.aligner, wav, "--text-file", text, *language))


def _key(text: str, audio: bytes, lang: str | None) -> str:
    digest = hashlib.sha256(audio)
    digest.update(f"\0{lang}\0{text}".encode())
    return digest.hexdigest()


def _write(folder: Path, text: str, audio: bytes) -> None:
    (folder / _AUDIO).write_bytes(audio)
    (folder / _TEXT).write_bytes(text.encode())


async def start_child(name: str, command: Sequence[str], *, stdin: int, stderr: int | None) -> Process:
    """Start a child process whose output is read.

    Raises:
        AlignerError: it cannot be started, for want of memory, of threads or of process numbers.
    """
    try:
        return await start(command, stdin=stdin, stderr=stderr)
    except (OSError, RuntimeError) as error:  # RuntimeError: asyncio can start no thread that waits for it
        raise AlignerError(f"the {name} cannot be started: {error}") from error


async def _run(name: str, command: Sequence[str]) -> bytes:
    """Run a command to its end and return what it printed; it is killed when the caller is cancelled."""
    child = await start_child(name, command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        output, stderr = await child.communicate()
    finally:
        await end(child)
    assert child.returncode is not None
    if child.returncode:
        raise AlignerError(how_it_ended(name, child.returncode, stderr))
    return output
