"""Word times on request, as deployed: a decoder process and an aligner process for each block.

With `ALIGNERS` 0 this does what the real application does, fault included: any number of processes at once,
identical work done again for each who asks, nothing stopped when a client leaves, results kept for ever. With
a bound, identical work is shared, stopped when the last who waits for it leaves, and at most eight blocks an
aligner wait: who asks for one more is sent away at once. With `ALIGNER=none` no process is ever started.
"""

import hashlib
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from cachetools import LRUCache

from reference_server.aligner_programs import AUDIO_FILE, TEXT_FILE, AlignerError, Programs
from reference_server.aligner_slots import AlignerSlots
from reference_server.in_flight import InFlight
from reference_server.settings import Settings
from reference_server.threads import run_to_end
from reference_server.words import WordTime

_WAITING_PER_ALIGNER = 8
_RESULTS_WHEN_BOUNDED = 256
"""Blocks whose words a bounded server remembers, each about 20 kB: more than all readers are at together."""


class AlignerBusy(AlignerError):  # noqa: N818  (a state, met every day; the family's name says that it is an error)
    """As many wait for an aligner as may; ask again later."""

    retry_after_s = 1


class LiveAligner:
    """Times the words of blocks in processes of their own, as many at once as `slots` has places.

    Its files are in the docstore while they are needed; what a killed server left there is removed at start.
    """

    def __init__(
        self, settings: Settings, programs: Programs | None = None, slots: AlignerSlots | None = None
    ) -> None:
        self._programs = None if settings.aligner == "none" else programs or Programs.installed(settings)
        self._folder = aligner_folder(settings)
        # A server that was killed could not tidy up. Not /tmp: where that is memory, it would count as ours.
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._slots = slots or AlignerSlots(settings.aligners)
        self._bound = self._slots.bound
        self._in_flight = InFlight[list[WordTime]]()
        self._results: MutableMapping[str, list[WordTime]] = (
            LRUCache(_RESULTS_WHEN_BOUNDED) if self._bound else {}
        )

    @property
    def in_flight(self) -> int:
        """How many blocks the server is timing now, made ahead or live, each by one process at a time."""
        return self._slots.busy

    @property
    def waiting(self) -> int:
        """How many blocks wait for their turn; unbounded, only those made ahead."""
        return self._slots.waiting

    async def align(self, text: str, audio: bytes, lang: str | None) -> list[WordTime] | None:
        """Return the words of a text with their times in the audio (a whole MP3); None without an aligner.

        Raises:
            AlignerError: a process failed or was killed; the message says which and how.
            AlignerBusy: too many wait already; only when bounded.
        """
        if self._programs is None:
            return None
        key = _key(text, audio, lang)
        known = self._results.get(key)
        if known is not None:
            return known
        if not self._bound:
            return await self._align_and_keep(self._programs, key, text, audio, lang)
        if key not in self._in_flight and len(self._in_flight) >= self._bound * (1 + _WAITING_PER_ALIGNER):
            raise AlignerBusy(f"{len(self._in_flight)} blocks are being timed or wait for it; ask again.")
        programs = self._programs
        words, _ = await self._in_flight.share(
            key, lambda: self._align_and_keep(programs, key, text, audio, lang)
        )
        return words

    async def _align_and_keep(
        self, programs: Programs, key: str, text: str, audio: bytes, lang: str | None
    ) -> list[WordTime]:
        try:
            async with self._slots.turn():
                with tempfile.TemporaryDirectory(dir=self._folder) as name:
                    folder = Path(name)
                    await run_to_end(_write, folder, text, audio)
                    words = await programs.time_words(text, folder / AUDIO_FILE, folder, lang)
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
            raise AlignerError(f"the block's files cannot be written: {error}") from error
        self._results[key] = words
        return words


def aligner_folder(settings: Settings) -> Path:
    """Return where the files of aligners are while they work."""
    return settings.docstore_dir / "aligner_tmp"


def _key(text: str, audio: bytes, lang: str | None) -> str:
    digest = hashlib.sha256(audio)
    digest.update(f"\0{lang}\0{text}".encode())
    return digest.hexdigest()


def _write(folder: Path, text: str, audio: bytes) -> None:
    (folder / AUDIO_FILE).write_bytes(audio)
    (folder / TEXT_FILE).write_bytes(text.encode())
