"""The processes that time one block, a decoder and an aligner: how they are started, and how they fail."""

import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reference_server.children import end, how_it_ended, start
from reference_server.errors import ServerError
from reference_server.model import checked_model_folder
from reference_server.settings import Settings
from reference_server.threads import run_to_end
from reference_server.whisper_cpp import WhisperCpp
from reference_server.words import WordTime, load_words

AUDIO_FILE, TEXT_FILE = "audio.mp3", "text.txt"


class AlignerError(ServerError):
    """The words of a block could not be timed."""


@dataclass(frozen=True)
class Programs:
    """The commands of the two processes; each gets its files as further arguments."""

    decoder: tuple[str, ...]
    aligner: tuple[str, ...] | WhisperCpp

    @classmethod
    def installed(cls, settings: Settings) -> "Programs":
        """Return this package's own programs, after the model was checked, or its decoder and whisper.cpp.

        Raises:
            ModelError: the model is missing, or not the one expected.
        """
        decoder = (sys.executable, "-m", "reference_server.decode")
        if settings.aligner == "whisper.cpp":
            assert settings.aligner_model is not None  # the settings were checked
            return cls(decoder, WhisperCpp(str(settings.aligner_command), settings.aligner_model))
        model = str(checked_model_folder(settings.aligner_model))
        return cls(decoder, (sys.executable, "-m", "reference_server.transcribe", "--model", model))

    async def time_words(self, text: str, audio: Path, folder: Path, lang: str | None) -> list[WordTime]:
        """Return the words of a text with their times in an MP3.

        The processes write into `folder`; the text is there already as `TEXT_FILE`, for the one who reads it.

        Raises:
            AlignerError: a process failed or was killed, or answered with something else than words.
        """
        wav = folder / "audio.wav"
        await _run("decoder", (*self.decoder, str(audio), str(wav)))
        try:
            if isinstance(self.aligner, WhisperCpp):
                await _run("aligner", self.aligner.command(wav, lang))
                return await run_to_end(self.aligner.words, wav, text)
            language = () if lang is None else (f"--lang={lang}",)
            command = (*self.aligner, str(wav), "--text-file", str(folder / TEXT_FILE), *language)
            return load_words(await _run("aligner", command))
        except ValueError as error:
            raise AlignerError(f"the aligner answered with something else than words: {error}") from error


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
