import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reference_server.aligner_programs import AlignerError, Programs
from reference_server.live_aligner import AlignerBusy, LiveAligner
from reference_server.settings import Settings
from reference_server.words import WordTime

PYTHON = (sys.executable, "-S", "-c")
DECODER = (*PYTHON, "import shutil, sys; shutil.copy(*sys.argv[1:])")
# Answers with the audio's bytes, the text and the rest of its arguments as three "words".
ECHO_SCRIPT = """
import json, pathlib, sys
audio, _, text, *more = sys.argv[1:]
read = lambda name: pathlib.Path(name).read_bytes().decode()
print(json.dumps([[word, 0, 1, 0, 1] for word in (read(audio), read(text), " ".join(more))]))
"""
ECHO = (*PYTHON, ECHO_SCRIPT)
WAITS_SCRIPT = """
import json, socket
with socket.create_connection(("127.0.0.1", {port})) as gate:
    gate.recv(1)
print(json.dumps([["w", 0, 1, 0, 1]]))
"""
FAILS_ONCE_SCRIPT = """
import pathlib, sys
once = pathlib.Path({path!r})
if not once.exists():
    once.touch()
    sys.exit(1)
print("[]")
"""
KILLED = (*PYTHON, "import os; os.kill(os.getpid(), 9)")
FAILS = (*PYTHON, "import sys; print('first', file=sys.stderr); sys.exit('the reason')")
BABBLES = (*PYTHON, "print('hello')")


def _aligner(
    aligners: int, aligner: tuple[str, ...] = ECHO, decoder: tuple[str, ...] = DECODER
) -> LiveAligner:
    return LiveAligner(Settings(aligners=aligners), Programs(decoder=decoder, aligner=aligner))


@dataclass
class Visit:
    """One aligner process that waits at the gate; `gone` once it has ended."""

    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def let_go(self) -> None:
        """Let it do the rest of its work."""
        self.writer.write(b"!")


@dataclass
class Gate:
    """Where aligner processes say that they have begun, and wait until they are let go."""

    port: int = 0
    visits: list[Visit] = field(default_factory=list)
    arrived: "asyncio.Queue[Visit]" = field(default_factory=asyncio.Queue)

    @property
    def program(self) -> tuple[str, ...]:
        """The aligner's command."""
        return (*PYTHON, WAITS_SCRIPT.format(port=self.port))

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold a process until it ends or is killed."""
        visit = Visit(writer)
        self.visits.append(visit)
        self.arrived.put_nowait(visit)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        visit.gone.set()


@contextlib.asynccontextmanager
async def _gate() -> AsyncIterator[Gate]:
    gate = Gate()
    async with await asyncio.start_server(gate.meet, "127.0.0.1", 0) as server:
        gate.port = server.sockets[0].getsockname()[1]
        yield gate
        await asyncio.gather(*(visit.gone.wait() for visit in gate.visits))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made in this test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "docstore" / "aligner_tmp"


def test_what_a_killed_server_left_is_removed(temporary: Path) -> None:
    """A server that starts removes the files of one that could not."""
    (temporary / "tmpabc").mkdir(parents=True)
    (temporary / "tmpabc" / "audio.mp3").touch()
    _aligner(0)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("aligners", [0, 1])
def test_processes_get_the_audio_the_text_and_the_language(aligners: int, temporary: Path) -> None:
    """The decoder gets the audio, the aligner what was decoded, text and language; no file stays behind."""
    words = asyncio.run(_aligner(aligners).align("déjà\r\nvu", b"mp3", "fr"))
    assert words is not None
    assert [word.text for word in words] == ["mp3", "déjà\r\nvu", "--lang=fr"]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("aligners", [0, 1])
def test_results_are_kept_by_text_audio_and_language(aligners: int) -> None:
    """The same request is answered from memory; another text, audio of the same length or language is not."""

    async def scenario() -> None:
        aligner = _aligner(aligners)
        first = await aligner.align("text", b"mp3", None)
        assert await aligner.align("text", b"mp3", None) is first
        for other in (("next", b"mp3", None), ("text", b"mp4", None), ("text", b"mp3", "en")):
            assert await aligner.align(*other) != first

    asyncio.run(scenario())


def test_unbounded_starts_a_process_for_everyone() -> None:
    """As deployed: identical work in flight is done again for each who asks, all at once."""

    async def scenario() -> None:
        async with _gate() as gate:
            aligner = _aligner(0, gate.program)
            tasks = [asyncio.create_task(aligner.align("text", b"mp3", None)) for _ in range(4)]
            for visit in [await gate.arrived.get() for _ in tasks]:
                visit.let_go()
            assert await asyncio.gather(*tasks) == [[WordTime("w", 0, 1, 0, 1)]] * 4

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_bounded_shares_identical_work() -> None:
    """Under a bound everyone who asks for the same block gets the result of one process."""

    async def scenario() -> None:
        async with _gate() as gate:
            aligner = _aligner(1, gate.program)
            tasks = [asyncio.create_task(aligner.align("text", b"mp3", None)) for _ in range(20)]
            (await gate.arrived.get()).let_go()
            assert await asyncio.gather(*tasks) == [[WordTime("w", 0, 1, 0, 1)]] * 20
            assert len(gate.visits) == 1

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_bounded_runs_no_more_at_once_and_sends_the_rest_away() -> None:
    """With a bound of one: one runs, eight wait in turn, the tenth is told to come back in a second."""

    async def scenario() -> None:
        async with _gate() as gate:
            aligner = _aligner(1, gate.program)
            tasks = [asyncio.create_task(aligner.align(f"text {i}", b"mp3", None)) for i in range(9)]
            running = await gate.arrived.get()
            with pytest.raises(AlignerBusy) as caught:
                await aligner.align("one more", b"mp3", None)
            assert caught.value.retry_after_s == 1
            for _ in tasks[1:]:
                running.let_go()
                following = await gate.arrived.get()
                assert running.gone.is_set()
                running = following
            running.let_go()
            assert len(await asyncio.gather(*tasks)) == 9
            again = asyncio.create_task(aligner.align("one more", b"mp3", None))
            (await gate.arrived.get()).let_go()
            assert await again

    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize("aligners", [0, 1])
@pytest.mark.parametrize(
    ("decoder", "aligner", "message"),
    [
        (DECODER, KILLED, "the aligner was killed by SIGKILL"),
        (DECODER, FAILS, "the aligner ended with exit code 1: the reason"),
        (DECODER, BABBLES, "the aligner answered with something else than words"),
        (FAILS, ECHO, "the decoder ended with exit code 1: the reason"),
        (("/no/such/program",), ECHO, "the decoder cannot be started"),
    ],
)
def test_failures_name_the_process_and_leave_nothing(
    aligners: int,
    decoder: tuple[str, ...],
    aligner: tuple[str, ...],
    message: str,
    temporary: Path,
) -> None:
    """A process that fails or is killed is an AlignerError of one line, and no file stays behind."""
    with pytest.raises(AlignerError, match=message) as caught:
        asyncio.run(_aligner(aligners, aligner, decoder).align("text", b"mp3", None))
    assert "\n" not in str(caught.value)
    assert list(temporary.iterdir()) == []


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    """After a failure the same block can be asked for again."""
    fails_once = (*PYTHON, FAILS_ONCE_SCRIPT.format(path=str(tmp_path / "once")))

    async def scenario() -> None:
        aligner = _aligner(1, fails_once)
        with pytest.raises(AlignerError):
            await aligner.align("text", b"mp3", None)
        assert await aligner.align("text", b"mp3", None) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("aligners", [0, 1])
def test_a_server_that_stops_takes_its_processes_along(aligners: int, temporary: Path) -> None:
    """When the request's task is cancelled, as at shutdown, the process is killed and its files removed."""

    async def scenario() -> None:
        async with _gate() as gate:
            task = asyncio.create_task(_aligner(aligners, gate.program).align("text", b"mp3", None))
            visit = await gate.arrived.get()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await visit.gone.wait()

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("aligners", [0, 1])
def test_files_that_cannot_be_written_are_an_aligner_s_error(aligners: int, temporary: Path) -> None:
    """GIVEN no folder for its files WHEN a block is to be timed THEN it fails as one whose aligner failed."""
    aligner = _aligner(aligners)
    temporary.rmdir()
    with pytest.raises(AlignerError, match="files cannot be written"):
        asyncio.run(aligner.align("text", b"mp3", None))


@pytest.mark.parametrize(("aligners", "is_kept"), [(0, True), (1, False)])
def test_unbounded_keeps_results_for_ever(
    aligners: int,
    is_kept: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As deployed: the map of results never shrinks; under a bound it has one too, and the oldest goes."""
    monkeypatch.setattr("reference_server.live_aligner._RESULTS_WHEN_BOUNDED", 2)

    async def scenario() -> None:
        aligner = _aligner(aligners)
        first = await aligner.align("text 0", b"mp3", None)
        for number in (1, 2):
            await aligner.align(f"text {number}", b"mp3", None)
        assert (await aligner.align("text 0", b"mp3", None) is first) is is_kept

    asyncio.run(asyncio.wait_for(scenario(), 20))
