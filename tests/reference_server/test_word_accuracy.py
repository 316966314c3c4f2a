"""Both aligners against the speech engine's own word events, on real speech."""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reference_server.aligner_programs import AlignerError
from reference_server.aligner_slots import AlignerSlots
from reference_server.alignment_worker import AlignmentWorker
from reference_server.live_aligner import LiveAligner
from reference_server.model import model_folder
from reference_server.settings import Settings
from reference_server.words import WordTime

pytestmark = pytest.mark.slow

TEXTS = {
    "objects": """Every object has an identity, a type and a value. An object's identity never
        changes once it has been created; you may think of it as the object's address in memory. The
        "is" operator compares the identity of two objects; the "id()" function returns an integer
        representing its identity. An object's type determines the operations that the object
        supports and also defines the possible values for objects of that type.""",
    "naming": """Names refer to objects. Names are introduced by name binding operations. The following
        constructs bind names: formal parameters to functions, class definitions, function definitions,
        assignment expressions, and targets that are identifiers if occurring in an assignment. If a name is
        bound in a block, it is a local variable of that block, unless declared as nonlocal or global.""",
}

# The engine lives in a process of its own: it is loaded through ctypes and keeps its state in globals.
SPEAK = """
import json, sys
from dataclasses import astuple
from pathlib import Path
from loadtests.espeak import synthesize
from loadtests.speech import encode_mp3
speech = synthesize(sys.argv[2], "alloy", float(sys.argv[3]))
Path(sys.argv[1]).write_bytes(encode_mp3(speech.pcm, speech.sample_rate_hz))
print(json.dumps([speech.duration_s, [astuple(word) for word in speech.words]]))
"""

Align = Callable[["Spoken"], Coroutine[Any, Any, list[WordTime]]]


@dataclass(frozen=True)
class Spoken:
    """A block, its MP3 and what the engine says of its words: first character, length, start in seconds."""

    text: str
    mp3: Path
    duration_s: float
    events: Sequence[tuple[int, int, float]]


@pytest.fixture(scope="module")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, float], Spoken]:
    """Speak one of the texts at a speed."""

    def speak(name: str, speed: float) -> Spoken:
        text = " ".join(TEXTS[name].split())
        mp3 = tmp_path_factory.mktemp("spoken") / "block.mp3"
        command = [sys.executable, "-c", SPEAK, str(mp3), text, str(speed)]
        ended = subprocess.run(command, capture_output=True, check=True, timeout=60)
        duration_s, events = json.loads(ended.stdout)
        return Spoken(text, mp3, duration_s, events)

    return speak


async def live(spoken: Spoken) -> list[WordTime]:
    """Transcribe as the live route does, decoder process included."""
    aligner = LiveAligner(Settings(aligners=1, docstore_dir=spoken.mp3.parent))
    words = await aligner.align(spoken.text, await asyncio.to_thread(spoken.mp3.read_bytes), "en")
    assert words is not None
    return words


async def worker(spoken: Spoken) -> list[WordTime]:
    """Align the known text as pre-generation does."""
    async with AlignmentWorker(Settings(), AlignerSlots(0)) as alignment_worker:
        return await alignment_worker.align(spoken.text, spoken.mp3)


def _errors_s(words: Sequence[WordTime], spoken: Spoken) -> list[float]:
    """Return how far each word's start is from that of the engine's word at the same characters."""
    errors_s = []
    for word in words:
        inside = (
            start_s
            for at, length, start_s in spoken.events
            if at < word.char_end and at + length > word.char_start
        )
        start_s = next(inside, None)
        if start_s is not None:
            errors_s.append(abs(word.start_s - start_s))
    return errors_s


@pytest.mark.parametrize("align", [live, worker])
@pytest.mark.parametrize(("name", "speed"), [("objects", 1.0), ("naming", 1.0), ("objects", 0.75)])
def test_words_are_found_where_the_engine_spoke_them(
    speak: Callable[[str, float], Spoken], align: Align, name: str, speed: float
) -> None:
    """At least 90 % of the words, in order, median error of starts under 150 ms; beyond 30 s of audio too."""
    spoken = speak(name, speed)
    assert (spoken.duration_s > 30) is (speed < 1)
    words = asyncio.run(align(spoken))
    assert len(words) >= 0.9 * len(spoken.text.split())
    assert [word.char_start for word in words] == sorted(word.char_start for word in words)
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    errors_s = _errors_s(words, spoken)
    coverage = len(words) / len(spoken.text.split())
    print(
        f"{align.__name__}, {name} at speed {speed:g}, {spoken.duration_s:.0f} s: {coverage:.0%} of the words, "
        f"median error {statistics.median(errors_s) * 1000:.0f} ms"
    )
    assert len(errors_s) >= 0.9 * len(words)
    assert statistics.median(errors_s) < 0.150


def test_the_worker_says_what_is_wrong_and_goes_on(
    speak: Callable[[str, float], Spoken], tmp_path: Path
) -> None:
    """Bad files fail alone; a text that is too long or holds no word gets what can be given."""
    spoken = speak("naming", 1.5)
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"not audio" * 100)

    async def scenario() -> None:
        async with AlignmentWorker(Settings(), AlignerSlots(0)) as alignment_worker:
            with pytest.raises(AlignerError, match=r"noise\.mp3: not audio"):
                await alignment_worker.align("text", noise)
            with pytest.raises(AlignerError, match="No such file"):
                await alignment_worker.align("text", tmp_path / "none.mp3")
            assert await alignment_worker.align("…", spoken.mp3) == []
            assert len(await alignment_worker.align("Ω≈ç√∫ " * 200, spoken.mp3)) > 0
            assert len(await alignment_worker.align(spoken.text, spoken.mp3)) > 50

    asyncio.run(scenario())


def test_the_transcriber_says_what_is_wrong(tmp_path: Path) -> None:
    """What is no audio ends the live aligner's process with 1 and one line."""
    for name in ("audio.wav", "text.txt"):
        (tmp_path / name).write_bytes(b"nothing")
    program = [sys.executable, "-m", "reference_server.transcribe", "audio.wav", "--text-file", "text.txt"]
    ended = subprocess.run(
        [*program, "--model", str(model_folder(None))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
