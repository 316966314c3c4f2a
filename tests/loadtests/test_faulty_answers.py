"""Every fault on the wire, from a real upstream, and what a real server makes of it; see docs/reference/upstream.md."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import openai
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from loadtests.ending import Ending
from loadtests.faults import FAULTS, Fault
from loadtests.faulty_answers import CUT_SHARE, DRIP_S, FIRST_BYTE_LATER_S, FaultyAnswers
from loadtests.speech import SpeechMemo, SpeechOrder

PACE = 40.0
SPEECH = "/v1/audio/speech"
BODY = json.dumps({"model": "tts-1", "voice": "alloy", "input": "The method is invoked."})
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "upstream.md"
SERVER = """
import sys
import reference_server.speech
reference_server.speech._TIMEOUT_S = 3.0  # a minute of a test is too long to wait for the one that hangs
from reference_server.__main__ import main
sys.exit(main())
"""


class Process:
    """An upstream of its own, as the options say."""

    def __init__(self, *options: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "loadtests.upstream", "--port", str(self.port), *map(str, options)]
        self.popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ready(self) -> "Process":
        """Wait until it listens."""
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == "ready\n"
        return self

    def connect(self) -> HTTPConnection:
        """A connection of its own."""
        return HTTPConnection("127.0.0.1", self.port, timeout=30)

    def asked(self, text: str = "The method is invoked.") -> HTTPConnection:
        """A connection on which speech was asked for."""
        connection = self.connect()
        connection.request("POST", SPEECH, json.dumps({"model": "m", "voice": "alloy", "input": text}))
        return connection

    def stats(self) -> dict[str, object]:
        """Its counts."""
        connection = self.connect()
        connection.request("GET", "/stats")
        found = json.loads(connection.getresponse().read())
        connection.close()
        assert isinstance(found, dict)
        return found

    def close(self) -> str:
        """End it; return what it said on stderr."""
        self.popen.terminate()
        _, errors = self.popen.communicate(timeout=30)
        return errors


@pytest.fixture(scope="module")
def faulty() -> Iterator[dict[Fault, Process]]:
    """An upstream for each fault, which all its answers meet, 40 times as fast as at pace 1."""
    running: dict[Fault, Process] = {
        fault: Process("--latency", 2, "--pace", PACE, "--fault", fault) for fault in FAULTS
    }
    try:
        yield {fault: process.ready() for fault, process in running.items()}
    finally:
        for process in running.values():
            process.popen.terminate()
        said = [process.close() for process in running.values()]
    assert said == [""] * len(FAULTS)


def received(process: Process) -> tuple[str, bytes, float]:
    """Ask on a plain socket: the head, all that came of the body until it was closed, seconds it took."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", process.port), timeout=30) as line:
        head = (
            f"POST {SPEECH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        line.sendall((head + BODY).encode())
        came = b"".join(iter(lambda: line.recv(65536), b""))
    found, _, body = came.partition(b"\r\n\r\n")
    return found.decode().lower(), body, time.monotonic() - started


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", openai.RateLimitError),
        ("429-retry-after", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("502", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("cut", openai.APIConnectionError),
        ("hang", openai.APITimeoutError),
    ],
)
def test_the_openai_client_sees_the_failure(
    faulty: dict[Fault, Process], fault: Fault, error: type[openai.OpenAIError]
) -> None:
    """The real client raises what the real API's failure of that kind would make it raise."""
    base = f"http://127.0.0.1:{faulty[fault].port}/v1"
    with (
        openai.OpenAI(base_url=base, api_key="none", max_retries=0, timeout=1) as client,
        pytest.raises(error) as caught,
    ):
        client.audio.speech.create(model="tts-1", voice="alloy", input="Yes.")
    if isinstance(caught.value, openai.APIStatusError):
        assert caught.value.status_code == int(fault[:3])
        assert caught.value.type in {"rate_limit_error", "server_error"}


@pytest.mark.parametrize("fault", ["slow-first-byte", "drip", "empty"])
def test_the_openai_client_gets_what_is_slow_or_empty(faulty: dict[Fault, Process], fault: Fault) -> None:
    """To the real client these are answers: whole ones, or none at all with status 200."""
    base = f"http://127.0.0.1:{faulty[fault].port}/v1"
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
        audio = client.audio.speech.create(model="tts-1", voice="alloy", input="Yes.").content
    assert (len(audio) > 1000) == (fault != "empty")


@pytest.mark.parametrize("fault", ["429", "429-retry-after", "500", "502", "503"])
def test_a_refusal_on_the_wire(faulty: dict[Fault, Process], fault: Fault) -> None:
    """The status line, a body in OpenAI's shape, and a Retry-After of whole seconds where the kind has one."""
    head, body, _ = received(faulty[fault])
    assert head.startswith(f"http/1.1 {fault[:3]} ")
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    assert re.findall(r"retry-after: (\d+)", head) == (["1"] if fault == "429-retry-after" else [])


def test_at_pace_1_the_retry_after_is_the_documented_one() -> None:
    """GIVEN pace 1 THEN 2 s."""
    process = Process("--fault", "429-retry-after").ready()
    assert "retry-after: 2\r\n" in received(process)[0]
    assert process.close() == ""


def test_a_slow_first_byte_and_a_drip_take_their_time(faulty: dict[Fault, Process]) -> None:
    """Both bring a whole MP3 of the length that the head names, not sooner than documented."""
    bodies = set()
    slow: dict[Fault, float] = {"slow-first-byte": 2 + FIRST_BYTE_LATER_S, "drip": 2 + DRIP_S}
    for fault, takes_s in slow.items():
        head, body, took_s = received(faulty[fault])
        assert f"content-length: {len(body)}\r\n" in head
        assert took_s >= takes_s / PACE
        bodies.add(body)
    assert len(bodies) == 1
    assert len(bodies.pop()) > 1000


def test_a_drip_comes_in_pieces(faulty: dict[Fault, Process]) -> None:
    """GIVEN a drip WHEN its head is there THEN its end is not, however late the client looks."""
    connection = faulty["drip"].asked("A long sentence, for it is said again. " * 30)
    answer = connection.getresponse()
    first = answer.read1(65536)
    assert 0 < len(first) < int(answer.headers["Content-Length"]) / 2
    connection.close()


def test_a_cut_answer_says_more_than_comes(faulty: dict[Fault, Process]) -> None:
    """The head names the whole length, half of it comes, and the connection is closed."""
    head, body, _ = received(faulty["cut"])
    whole = int(re.findall(r"content-length: (\d+)", head)[0])
    assert head.startswith("http/1.1 200 ")
    assert len(body) == int(CUT_SHARE * whole) > 500
    connection = faulty["cut"].asked()
    with pytest.raises(IncompleteRead):
        connection.getresponse().read()
    connection.close()


def test_an_empty_answer_is_audio_by_its_type(faulty: dict[Fault, Process]) -> None:
    """200, audio/mpeg, and nothing in it."""
    head, body, _ = received(faulty["empty"])
    assert head.startswith("http/1.1 200 ")
    assert "content-type: audio/mpeg" in head
    assert "content-length: 0" in head
    assert body == b""


def test_one_that_hangs_goes_on_when_its_client_leaves() -> None:
    """GIVEN a request that hangs WHEN its client leaves THEN it is over."""
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def scenario() -> int:
        answers = FaultyAnswers(SpeechMemo(1), Ending(), 1)
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        hanging = asyncio.create_task(answers.answer("hang", SpeechOrder("a", "alloy"), request, 0.0))
        await asyncio.sleep(0)
        assert not hanging.done()
        left.set()
        return (await asyncio.wait_for(hanging, 10)).status_code

    assert asyncio.run(scenario()) == 499


def test_nothing_outlasts_the_ending() -> None:
    """GIVEN an upstream that ends THEN who hangs, or waits for a slow first byte, gets 503."""

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario(fault: Fault) -> int:
        ending = Ending()
        answers = FaultyAnswers(SpeechMemo(2**20), ending, 1)
        request = Request({"type": "http", "method": "POST", "headers": []}, never)
        waiting = asyncio.create_task(answers.answer(fault, SpeechOrder("a", "alloy"), request, 0.0))
        await asyncio.sleep(0)
        ending.begin()
        with pytest.raises(HTTPException) as caught:
            await asyncio.wait_for(waiting, 10)
        return caught.value.status_code

    assert [asyncio.run(scenario(fault)) for fault in ("hang", "slow-first-byte")] == [503, 503]


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_signal_ends_what_waits(fault: Fault) -> None:
    """GIVEN an answer that would take an hour WHEN SIGTERM comes THEN it is 503 or cut, and all ends with 0."""
    process = Process("--latency", 0, "--pace", 0.01, "--fault", fault).ready()
    connection = process.asked()
    deadline = time.monotonic() + 20
    while process.stats()["faults"] != {fault: 1}:
        assert time.monotonic() < deadline
    if fault == "hang":
        process.popen.send_signal(signal.SIGTERM)
        assert connection.getresponse().status == 503
    else:
        answer = connection.getresponse()
        process.popen.send_signal(signal.SIGTERM)
        with pytest.raises(IncompleteRead):
            answer.read()
    connection.close()
    _, errors = process.popen.communicate(timeout=20)
    assert (process.popen.returncode, errors) == (0, "")


def test_a_faulted_answer_is_counted_and_never_late(faulty: dict[Fault, Process]) -> None:
    """GIVEN an answer that begins half a second after its latency, as its fault says THEN it is not late."""
    process = faulty["slow-first-byte"]
    before = process.stats()
    received(process)
    after = process.stats()
    assert int(str(after["requests"])) == int(str(before["requests"])) + 1
    assert after["faulted"] == after["requests"]
    assert after["faults"] == {"slow-first-byte": after["requests"]}
    assert after["late"] == 0


def documented() -> dict[str, tuple[str, str, str]]:
    """What the page's table says of the reference server: status, calls, Retry-After, by fault."""
    rows = re.findall(
        r"^\| `([\w-]+)` \| [^|]+ \| (\d+) \| (\d+) \| ([\w ]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {fault: (status, calls, again) for fault, status, calls, again in rows}


@pytest.fixture
def server(tmp_path: Path, faulty: dict[Fault, Process]) -> Iterator[int]:
    """The port of the reference server, whose callers may name any of the upstreams; a call of its has 3 s."""
    bases = ",".join(f"http://127.0.0.1:{process.port}/v1" for process in faulty.values())
    settings = {"PORT": "0", "DOCSTORE_DIR": str(tmp_path), "ALIGNER": "none", "ALLOWED_API_BASES": bases}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        try:
            yield next(
                int(found[1]) for line in running.stderr if (found := re.search(r"on http://.*:(\d+)", line))
            )
        finally:
            running.kill()


@pytest.mark.slow
def test_the_reference_server_does_what_the_table_says(faulty: dict[Fault, Process], server: int) -> None:
    """Of each fault: the status of `POST /api/tts`, how often the upstream was called for it, the Retry-After."""

    def ask(fault: Fault) -> tuple[str, str, str]:
        before = faulty[fault].stats()["requests"]
        connection = HTTPConnection("127.0.0.1", server, timeout=30)
        body = json.dumps({"text": "The method is invoked.", "voice": "alloy", "speed": 1})
        connection.request(
            "POST", "/api/tts", body, {"x-openai-base-url": f"http://127.0.0.1:{faulty[fault].port}/v1"}
        )
        answer = connection.getresponse()
        answer.read()
        connection.close()
        calls = int(str(faulty[fault].stats()["requests"])) - int(str(before))
        again = answer.headers["Retry-After"] or "none"
        return (
            str(answer.status),
            str(calls),
            "as sent" if fault == "429-retry-after" and again == "1" else again,
        )

    with ThreadPoolExecutor(len(FAULTS)) as threads:
        found = dict(zip(FAULTS, threads.map(ask, FAULTS), strict=True))
    assert found == documented()
