"""The aligners that a job may have. In whisper.cpp's place stands a script that writes JSON in its format."""

import asyncio
import os
import sys
from pathlib import Path
from unittest.mock import AsyncMock, patch

import pytest
from starlette.testclient import TestClient

from reference_server.aligner_programs import AlignerError, Programs
from reference_server.aligner_slots import AlignerSlots
from reference_server.alignment_worker import AlignmentWorker
from reference_server.app import create_app
from reference_server.block_aligner import NoAligner, ProcessPerBlock, block_aligner
from reference_server.chunk import Voicing
from reference_server.generate import open_chunk_maker
from reference_server.live_aligner import LiveAligner
from reference_server.model import ModelError
from reference_server.outline import Block
from reference_server.settings import Settings
from reference_server.speech import Speech
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore
from reference_server.whisper_cpp import WhisperCpp

# It takes whisper.cpp's arguments, hears the bytes of the file as words, and misbehaves as the model says.
STAND_IN = """#!{python} -S
import json, os, sys
_, m, model, f, wav, of, out, full, quiet, *language = sys.argv
assert (m, f, of, full, quiet) == ("-m", "-f", "-of", "-ojf", "-np"), sys.argv
assert language in ([], ["-l", "fr"]), language
words = open(wav).read().split()
tokens = [dict(text=" " + word, offsets={{"from": 100 * i, "to": 100 * i + 90}}) for i, word in enumerate(words)]
with open(model) as told:
    told = told.read()
if told == "killed":
    os.kill(os.getpid(), 9)
if told == "fails":
    sys.exit("error: failed to initialize whisper context")
if told != "silent":
    with open(out + ".json", "w") as answer:
        answer.write("{{" if told == "babbles" else json.dumps({{"transcription": [{{"tokens": tokens}}]}}))
print("[00:00:00.000 --> 00:00:07.520]", *words)
"""
DECODER = (sys.executable, "-S", "-c", "import shutil, sys; shutil.copy(*sys.argv[1:])")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with the stand-in for whisper.cpp and a model file that tells it to behave."""
    command, model = tmp_path / "whisper-cli", tmp_path / "model.bin"
    command.write_text(STAND_IN.format(python=sys.executable))
    command.chmod(0o755)
    model.write_text("")
    (tmp_path / "block.mp3").write_text("hello there")
    return Settings(
        docstore_dir=tmp_path / "docstore",
        aligner="whisper.cpp",
        aligner_command=command,
        aligner_model=model,
        aligners=1,
    )


def _programs(settings: Settings) -> Programs:
    """Return the programs that are started for these settings, but for a decoder that only copies."""
    installed = Programs.installed(settings)
    assert installed.decoder[1:] == ("-m", "reference_server.decode")
    return Programs(DECODER, installed.aligner)


def _live(settings: Settings, slots: AlignerSlots | None = None) -> LiveAligner:
    return LiveAligner(settings, _programs(settings), slots)


def _ahead(settings: Settings, slots: AlignerSlots | None = None) -> ProcessPerBlock:
    folder = settings.docstore_dir / "aligner_tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return ProcessPerBlock(_programs(settings), folder, slots or AlignerSlots(1))


def _timed(settings: Settings, kind: str) -> list[tuple[str, float, float]]:
    mp3 = settings.docstore_dir.parent / "block.mp3"
    call = (
        _live(settings).align("Hello, there!", mp3.read_bytes(), "fr")
        if kind == "live"
        else _ahead(settings).align("Hello, there!", mp3)
    )
    words = asyncio.run(asyncio.wait_for(call, 20))
    assert words is not None
    return [(word.text, word.start_s, word.end_s) for word in words]


def test_the_setting_chooses(settings: Settings) -> None:
    """Each kind of aligner is what its name says, and whisper.cpp gets the command and the model set."""
    slots = AlignerSlots(0)
    assert isinstance(block_aligner(Settings(aligner="none"), slots), NoAligner)
    assert isinstance(block_aligner(Settings(aligner="embedded"), slots), AlignmentWorker)
    assert isinstance(block_aligner(settings, slots), ProcessPerBlock)
    assert settings.aligner_model is not None
    assert Programs.installed(settings).aligner == WhisperCpp(
        str(settings.aligner_command), settings.aligner_model
    )


def test_without_an_aligner_nothing_is_looked_for(tmp_path: Path) -> None:
    """GIVEN no model anywhere WHEN the aligner is none THEN all goes on without times, and without a process."""
    settings = Settings(docstore_dir=tmp_path, aligner="none", aligner_model=tmp_path)

    async def scenario() -> None:
        async with block_aligner(settings, AlignerSlots(1)) as aligner:
            assert await aligner.align("text", tmp_path / "none.mp3") is None
        assert await LiveAligner(settings).align("text", b"mp3", None) is None

    asyncio.run(scenario())
    with pytest.raises(ModelError):
        block_aligner(Settings(aligner_model=tmp_path), AlignerSlots(1))


def test_a_server_without_an_aligner_starts_without_a_model(tmp_path: Path) -> None:
    """GIVEN no model anywhere WHEN the server starts with aligner none THEN live times are an empty answer."""
    app = create_app(Settings(docstore_dir=tmp_path / "docstore", aligner="none", aligner_model=tmp_path))
    with TestClient(app) as client:
        answer = client.post("/api/whisper", json={"text": "Hello.", "audio": [1]})
    assert (answer.status_code, answer.json()) == (200, {"alignments": []})


def test_a_chunk_without_times_is_stored_all_the_same(tmp_path: Path, mp3: bytes) -> None:
    """A chunk that nobody listened to has its audio, and timings that name no word."""
    block, store = Block(1, 0, 1, "Hello there."), ChunkStore(tmp_path)
    speech = Speech(Settings())

    async def scenario() -> None:
        settings = Settings(aligner="none", aligner_model=tmp_path)
        async with open_chunk_maker(settings, speech, store, AlignerSlots(1), SpeechTurns(4)) as make:
            await make("doc", block, Voicing("openai", "tts-1", "alloy", 1.0))
        await speech.aclose()

    with patch.object(Speech, "synthesize", AsyncMock(return_value=mp3)):
        asyncio.run(scenario())
    chunk = store.find("doc", block)
    assert chunk is not None
    assert chunk.timings == {"alignments": []}


@pytest.mark.parametrize("kind", ["live", "ahead"])
def test_whisper_cpp_times_a_block(settings: Settings, kind: str) -> None:
    """What it heard in the decoded file gives the text's words their times; no file stays behind."""
    assert _timed(settings, kind) == [("Hello,", 0.0, 0.09), ("there!", 0.1, 0.19)]
    assert list((settings.docstore_dir / "aligner_tmp").iterdir()) == []


@pytest.mark.parametrize("kind", ["live", "ahead"])
@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("killed", "the aligner was killed by SIGKILL, as the kernel does out of memory"),
        ("fails", "the aligner ended with exit code 1: error: failed to initialize whisper context"),
        ("silent", r"answered with something else than words: it wrote no heard\.json"),
        ("babbles", "answered with something else than words: Expecting"),
    ],
)
def test_its_failures_are_the_block_s(settings: Settings, kind: str, told: str, message: str) -> None:
    """However it ends badly, the reason is one line, nothing stays behind, and the next block is timed."""
    assert settings.aligner_model is not None
    settings.aligner_model.write_text(told)
    with pytest.raises(AlignerError, match=message) as caught:
        _timed(settings, kind)
    assert "\n" not in str(caught.value)
    assert list((settings.docstore_dir / "aligner_tmp").iterdir()) == []
    settings.aligner_model.write_text("")
    assert len(_timed(settings, kind)) == 2


def test_a_command_that_went_is_told(settings: Settings) -> None:
    """A program that was there at the start and is gone now fails the block, with its name."""
    settings.aligner_command.unlink()
    with pytest.raises(AlignerError, match=r"the aligner cannot be started.*whisper-cli"):
        _timed(settings, "ahead")


def test_a_job_waits_for_its_turn_where_readers_are_sent_away(settings: Settings) -> None:
    """GIVEN the one place taken WHEN a job's block comes THEN it waits, and is timed when the place is free."""

    async def scenario() -> None:
        slots = AlignerSlots(1)
        live, mp3 = _live(settings, slots), settings.docstore_dir.parent / "block.mp3"
        async with slots.turn(), asyncio.timeout(20):
            ahead = asyncio.create_task(_ahead(settings, slots).align("Hello, there!", mp3))
            done, _ = await asyncio.wait([ahead], timeout=0.2)
            assert not done
            assert (live.in_flight, live.waiting) == (1, 1)
        assert len(await ahead) == 2
        assert (live.in_flight, live.waiting) == (0, 0)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_job_s_worker_takes_a_place_for_each_block() -> None:
    """The long-lived worker holds a place while it times a block, and none while it waits for the next."""
    script = "import sys\nfor line in sys.stdin: print('[]', flush=True)"

    async def scenario() -> None:
        slots = AlignerSlots(1)
        async with AlignmentWorker(Settings(), slots, (sys.executable, "-S", "-c", script)) as worker:
            assert await worker.align("text", Path("a.mp3")) == []
            assert slots.busy == 0
            async with slots.turn():
                task = asyncio.create_task(worker.align("text", Path("a.mp3")))
                done, _ = await asyncio.wait([task], timeout=0.2)
                assert not done
                assert slots.waiting == 1
            assert await task == []

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_job_that_is_broken_off_takes_its_process_along(settings: Settings, tmp_path: Path) -> None:
    """Cancelled while the program works, the block leaves neither process nor file nor a place taken."""
    os.mkfifo(tmp_path / "begun")
    settings.aligner_command.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'begun'}\nexec sleep 600\n")

    async def scenario() -> int:
        slots = AlignerSlots(1)
        call = asyncio.create_task(_ahead(settings, slots).align("text", tmp_path / "block.mp3"))
        pid = int(await asyncio.to_thread((tmp_path / "begun").read_text))
        assert slots.busy == 1
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert slots.busy == 0
        return pid

    pid = asyncio.run(asyncio.wait_for(scenario(), 20))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list((settings.docstore_dir / "aligner_tmp").iterdir()) == []
