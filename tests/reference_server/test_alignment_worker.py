import asyncio
import os
import sys
from pathlib import Path

import pytest

from reference_server import alignment_worker
from reference_server.aligner_programs import AlignerError
from reference_server.aligner_slots import AlignerSlots
from reference_server.alignment_worker import AlignmentWorker
from reference_server.settings import Settings

# Answers each line with its own process id and the file's name, or does what the text says.
SCRIPT = """
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    words = [[str(os.getpid()), 0, 1, 0, 1], [request["mp3"], 1, 2, 0, 1]]
    match request["text"]:
        case "die":
            os.kill(os.getpid(), 9)
        case "leave":
            sys.exit(3)
        case "hang":
            print("begun", file=open(request["mp3"], "w"))
            sys.stdin.read()
        case "babble":
            print("hello", flush=True)
        case "babble and answer":
            print("hello\\n" + json.dumps(words), flush=True)
        case "drone":
            print("x" * 3_000_000, flush=True)
        case "refuse":
            print(json.dumps({"error": "no sound"}), flush=True)
        case "many":
            print(json.dumps(words * 3000), flush=True)
        case _:
            print(json.dumps(words), flush=True)
"""
CHILD = (sys.executable, "-S", "-c", SCRIPT)
MP3 = Path("a.mp3")


def _worker() -> AlignmentWorker:
    return AlignmentWorker(Settings(), AlignerSlots(0), CHILD)


async def _pid(worker: AlignmentWorker) -> int:
    return int((await worker.align("text", MP3))[0].text)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_child_answers_all_and_ends_with_its_owner() -> None:
    """Blocks asked for at once are answered by one process, each with its own answer; then it is gone."""

    async def scenario() -> None:
        async with _worker() as worker:
            answers = await asyncio.gather(*(worker.align("text", Path(f"{i}.mp3")) for i in range(10)))
            assert [words[1].text for words in answers] == [f"{i}.mp3" for i in range(10)]
            pids = {words[0].text for words in answers}
            assert len(pids) == 1
        assert not _is_alive(int(pids.pop()))

    asyncio.run(scenario())


def test_no_child_is_started_for_nothing() -> None:
    """A job that has nothing to align loads no model."""

    async def scenario() -> None:
        async with AlignmentWorker(Settings(), AlignerSlots(0), ("/no/such/program",)):
            pass
        with pytest.raises(AlignerError, match="the alignment worker cannot be started"):
            async with AlignmentWorker(Settings(), AlignerSlots(0), ("/no/such/program",)) as worker:
                await worker.align("text", MP3)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("die", "the alignment worker was killed by SIGKILL"),
        ("leave", "the alignment worker ended with exit code 3"),
    ],
)
def test_a_child_that_died_is_replaced(text: str, message: str) -> None:
    """The block during which it died fails with the reason; the next one is answered by a new process."""

    async def scenario() -> None:
        async with _worker() as worker:
            first = await _pid(worker)
            with pytest.raises(AlignerError, match=message):
                await worker.align(text, MP3)
            assert await _pid(worker) != first

    asyncio.run(scenario())


def test_a_child_killed_between_blocks_is_replaced() -> None:
    """A process that the kernel took while it was idle costs no block: a new one answers."""

    async def scenario() -> None:
        async with _worker() as worker:
            first = await _pid(worker)
            os.kill(first, 9)
            assert await _pid(worker) != first

    asyncio.run(scenario())


def test_a_refusal_does_not_end_the_child() -> None:
    """An error answer fails its block alone."""

    async def scenario() -> None:
        async with _worker() as worker:
            first = await _pid(worker)
            with pytest.raises(AlignerError, match="could not: no sound"):
                await worker.align("refuse", MP3)
            assert await _pid(worker) == first

    asyncio.run(scenario())


@pytest.mark.parametrize("text", ["babble", "babble and answer", "drone"])
def test_a_stray_line_ends_the_child(text: str) -> None:
    """What is no answer fails its block, and no line that comes after it is served as the next block's."""

    async def scenario() -> None:
        async with _worker() as worker:
            first = await _pid(worker)
            with pytest.raises(AlignerError, match="answered with something else"):
                await worker.align(text, Path("old.mp3"))
            assert not _is_alive(first)
            assert (await worker.align("text", Path("new.mp3")))[1].text == "new.mp3"

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_who_leaves_gets_no_one_else_s_answer(tmp_path: Path) -> None:
    """When a block is given up, its child ends, so that its late answer is not taken for the next block's."""

    async def scenario() -> None:
        async with _worker() as worker:
            first = await _pid(worker)
            os.mkfifo(tmp_path / "begun")
            task = asyncio.create_task(worker.align("hang", tmp_path / "begun"))
            await asyncio.to_thread((tmp_path / "begun").read_text)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not _is_alive(first)
            assert (await worker.align("text", Path("b.mp3")))[1].text == "b.mp3"

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_long_answer_fits() -> None:
    """An answer far longer than any block's is read whole."""

    async def scenario() -> None:
        async with _worker() as worker:
            assert len(await worker.align("many", MP3)) == 6000

    asyncio.run(scenario())


def test_a_child_that_hangs_fails_its_block_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a child that never answers THEN it is ended in time, and the next block has a new one."""
    monkeypatch.setattr(alignment_worker, "LONGEST_S", 0.5)

    async def scenario() -> None:
        async with _worker() as worker:
            hung = await _pid(worker)
            with pytest.raises(AlignerError, match="took longer than"):
                await worker.align("hang", tmp_path / "begun")
            assert not _is_alive(hung)
            assert await _pid(worker) != hung

    asyncio.run(scenario())
