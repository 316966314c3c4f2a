import asyncio
import io
import json
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import openai
import pytest
from starlette.routing import Route
from tinytag import TinyTag

from loadtests.attempts import Attempts
from loadtests.faults import FAULTS, Faults
from loadtests.latency import LatencyRange
from loadtests.speech import SpeechMemo, SpeechOrder
from loadtests.upstream import DEFAULT_PORT, _listen, _parser, _Server, main
from loadtests.upstream_app import Upstream, create_app

SENTENCE = "The suite is executed, and then the method is invoked."


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_upstream(*options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Run the upstream as its own process until it says that it is ready, and end it afterwards."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "loadtests.upstream", "--port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield port, process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Give the port of an upstream that answers at once, shared by the tests of this file."""
    with running_upstream("--latency", "0") as (port, _):
        yield port


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    """Give OpenAI's own client, pointed at the shared upstream."""
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0) as client:
        yield client


def call(port: int, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Make one request and return its status and its JSON."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_openai_client_gets_an_mp3(client: openai.OpenAI) -> None:
    """The real client asks for speech and gets a whole 128 kb/s MP3 of the sentence's length."""
    answer = client.audio.speech.create(model="tts-1", voice="alloy", input=SENTENCE)

    tag = TinyTag.get("speech.mp3", file_obj=io.BytesIO(answer.content))
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert tag.bitrate == 128
    assert tag.duration is not None
    assert 2 < tag.duration < 5


def test_the_same_order_gets_the_same_bytes_and_speed_another(client: openai.OpenAI) -> None:
    """Audio is made once for equal orders; at twice the speed it is shorter."""
    first = client.audio.speech.create(model="tts-1", voice="echo", input=SENTENCE).content
    second = client.audio.speech.create(model="other", voice="echo", input=SENTENCE).content
    fast = client.audio.speech.create(model="tts-1", voice="echo", input=SENTENCE, speed=2).content

    assert first == second
    assert len(fast) < 0.7 * len(first)


def test_other_formats_carry_their_type(client: openai.OpenAI) -> None:
    """WAV and PCM come as such."""
    wav = client.audio.speech.create(model="tts-1", voice="alloy", input="Yes.", response_format="wav")
    pcm = client.audio.speech.create(model="tts-1", voice="alloy", input="Yes.", response_format="pcm")

    assert wav.content.startswith(b"RIFF")
    assert wav.response.headers["content-type"] == "audio/wav"
    assert pcm.response.headers["content-type"] == "audio/pcm"


def test_an_error_has_the_shape_of_openai(client: openai.OpenAI) -> None:
    """The real client reads the parameter and the message out of a refusal."""
    with pytest.raises(openai.BadRequestError, match="nobody") as caught:
        client.audio.speech.create(model="tts-1", voice="nobody", input=SENTENCE)

    assert caught.value.param == "voice"
    assert caught.value.type == "invalid_request_error"


def test_an_unknown_path_and_method_have_the_shape_of_openai(port: int) -> None:
    """404 and 405 are JSON errors too."""
    for method, path, status in (("GET", "/v1/models", 404), ("GET", "/v1/audio/speech", 405)):
        got, body = call(port, method, path)
        assert got == status
        assert isinstance(body["error"], dict)
        assert body["error"]["type"] == "invalid_request_error"


def test_voices_and_health(port: int) -> None:
    """The voices are listed by name, and health is one small object."""
    status, body = call(port, "GET", "/v1/audio/voices")

    assert status == 200
    assert isinstance(body["voices"], list)
    assert {"alloy", "shimmer", "fr"} <= set(body["voices"])
    assert call(port, "GET", "/health") == (200, {"ok": True, "status": "healthy"})


def test_what_is_prepared_is_not_made_again() -> None:
    """A preparation makes each text once and says how much; asking for it then synthesises nothing."""
    with running_upstream("--latency", "0") as (port, _):
        prepared = call(
            port, "POST", "/prepare", {"voice": "alloy", "speed": 1, "inputs": ["One.", "Two.", "One."]}
        )
        spoken = {"model": "m", "voice": "alloy", "input": "Two.", "response_format": "mp3"}
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/v1/audio/speech", json.dumps(spoken))
        assert connection.getresponse().status == 200
        connection.close()
        _, stats = call(port, "GET", "/stats")

    assert prepared[0] == 200
    assert prepared[1]["prepared"] == 2
    assert stats["synthesised"] == 2
    assert stats["memo_bytes"] == prepared[1]["bytes"]
    assert (stats["requests"], stats["late"]) == (1, 0)
    assert isinstance(prepared[1]["audio_s"], float)
    assert 0.5 < prepared[1]["audio_s"] < 3


def test_a_preparation_that_does_not_fit_is_refused() -> None:
    """When the memo cannot hold what is prepared, the answer says so and names the option."""
    with running_upstream("--memo-mib", "0.02") as (port, _):
        status, body = call(
            port, "POST", "/prepare", {"voice": "alloy", "inputs": ["One two three.", "Four five six."]}
        )

    assert status == 400
    assert "--memo-mib" in str(body)


def test_a_memoised_answer_comes_when_drawn() -> None:
    """Requests at once each wait for their own draw, which the seed tells beforehand; answers come in that order."""
    texts = [f"Number {number}." for number in range(6)]
    attempts = Attempts(seed=3)
    drawn = {
        text: LatencyRange(2, 5).draw_s(attempts.next_name(SpeechOrder(text, "alloy"))) for text in texts
    }
    came: list[str] = []

    async def ask(port: int) -> dict[str, float]:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none") as client:

            async def one(text: str) -> float:
                started = time.monotonic()
                await client.audio.speech.create(model="m", voice="alloy", input=text)
                came.append(text)
                return time.monotonic() - started

            return dict(zip(texts, await asyncio.gather(*map(one, texts)), strict=True))

    with running_upstream("--latency", "2-5", "--pace", "2", "--seed", "3") as (port, _process):
        call(port, "POST", "/prepare", {"voice": "alloy", "inputs": texts})
        waited_s = asyncio.run(ask(port))
    assert all(waited_s[text] >= drawn[text] / 2 for text in texts)
    apart = [(a, b) for a in texts for b in texts if drawn[b] - drawn[a] > 1.5]
    assert apart
    assert all(came.index(a) < came.index(b) for a, b in apart)


def test_audio_that_has_to_be_made_counts_as_late() -> None:
    """A request whose speech takes longer to make than its latency is answered, and counted."""
    long_text = "A sentence that is long when said often. " * 90

    with running_upstream("--latency", "0") as (port, _):
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none") as client:
            client.audio.speech.create(model="m", voice="alloy", input=long_text)
        _, stats = call(port, "GET", "/stats")

    assert (stats["requests"], stats["late"], stats["synthesised"]) == (1, 1, 1)
    assert isinstance(stats["worst_late_s"], float)
    assert stats["worst_late_s"] > 0.05


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_requests_waiting(ending: signal.Signals) -> None:
    """Who waits gets 503 at once, the process ends with 0 and without a word."""
    with running_upstream("--latency", "500") as (port, process):
        body = json.dumps({"model": "m", "voice": "alloy", "input": "Hi."})
        waiting = HTTPConnection("127.0.0.1", port, timeout=30)
        waiting.request("POST", "/v1/audio/speech", body)
        deadline = time.monotonic() + 20
        while call(port, "GET", "/stats")[1]["synthesised"] == 0:
            assert time.monotonic() < deadline

        process.send_signal(ending)

        answer = waiting.getresponse()
        assert answer.status == 503
        assert json.loads(answer.read())["error"]["type"] == "server_error"
        waiting.close()
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


def test_more_may_hang_than_a_shell_allows_files() -> None:
    """GIVEN a shell that allows 64 files WHEN 100 requests hang THEN others are still answered."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, allowed[1]))  # what is started takes it over
    try:
        running = running_upstream("--latency", "0", "--fault", "hang")
        port, process = running.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    with ExitStack() as stack:
        stack.push(running)
        for _ in range(100):
            hanging = stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=30)))
            hanging.request("POST", "/v1/audio/speech", '{"model": "m", "voice": "alloy", "input": "Hi."}')
        deadline = time.monotonic() + 20
        while call(port, "GET", "/stats")[1]["requests"] != 100:
            assert time.monotonic() < deadline
        assert process.poll() is None


def test_every_address_is_that_of_both_protocols() -> None:
    """GIVEN `--host ::`, as a private network of IPv6 wants it THEN it answers there, and on IPv4 as before."""
    with running_upstream("--host", "::") as (port, _):
        for host in ("::1", "127.0.0.1"):
            with closing(HTTPConnection(host, port, timeout=30)) as connection:
                connection.request("GET", "/health")
                assert connection.getresponse().status == 200


def test_an_answer_on_a_used_connection_is_not_held_back() -> None:
    """Accepted connections inherit TCP_NODELAY: Nagle's algorithm would add 40 ms to every latency but the first."""
    with (
        _listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert client.getpeername() == listener.getsockname()


def test_a_taken_port_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A port somebody listens on is named in one line; exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(SystemExit) as caught:
            main(["--port", str(number)])

    errors = capsys.readouterr().err
    assert caught.value.code == 2
    assert errors.count("\n") == 1
    assert str(number) in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "70000"],
        ["--port"],
        ["--port", "1", "--pace", "0"],
        ["--port", "1", "--pace", "fast"],
        ["--port", "1", "--latency", "5-2"],
        ["--port", "1", "--memo-mib", "-1"],
        ["--port", "1", "--fault", "teapot"],
        ["--port", "1", "--fault", "429=2"],
        ["--port", "1", "--fault", "429", "--fault", "503@60-30"],
        ["--port", "1", "--what"],
    ],
)
def test_a_bad_option_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A bad option ends with exit code 2 and one line on stderr."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bad_fault_names_the_value_and_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a fault that is none THEN the line names it, its option and what there is."""
    with pytest.raises(SystemExit):
        main(["--fault", "teapot"])
    assert "argument --fault: 'teapot': no such fault. Use one of 429, " in capsys.readouterr().err


def test_the_same_seed_fails_the_same_requests() -> None:
    """GIVEN half of the requests failing WHEN they come in another order THEN the same ones fail, each try apart."""
    texts = [f"{number}." for number in range(10)] * 2

    def failing(arrivals: list[str]) -> list[tuple[str, int]]:
        seen = []
        with running_upstream("--latency", "0", "--seed", "4", "--fault", "429=0.5") as (port, _):
            for text in arrivals:
                body = {"model": "m", "voice": "alloy", "input": text, "response_format": "pcm"}
                connection = HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("POST", "/v1/audio/speech", json.dumps(body))
                seen.append((text, connection.getresponse().status))
                connection.close()
        return sorted(seen, key=lambda pair: pair[0])

    first = failing(texts)
    assert first == failing(texts[9::-1] + texts[:9:-1])
    assert {status for _, status in first} == {200, 429}


def test_a_preparation_starts_the_clock_of_the_faults_again() -> None:
    """GIVEN a fault of the first moment THEN the first request meets it, and the first after a preparation."""
    with running_upstream("--latency", "0", "--fault", "503@0-0.001") as (port, _):
        body = {"model": "m", "voice": "alloy", "input": "Yes."}
        statuses = [call(port, "POST", "/v1/audio/speech", body)[0]]
        call(port, "POST", "/prepare", {"voice": "alloy", "inputs": ["Yes."]})
        statuses.append(call(port, "POST", "/v1/audio/speech", body)[0])

    assert statuses == [503, 503]


def test_idle_connections_are_kept_longer_than_clients_keep_theirs() -> None:
    """GIVEN the client that the server uses THEN it is the one that closes, and never finds a closed one."""
    upstream = Upstream(SpeechMemo(1), LatencyRange(0, 0), Faults([], 1), 1, 1)
    kept_by_client_s = openai.DEFAULT_CONNECTION_LIMITS.keepalive_expiry
    assert kept_by_client_s is not None
    assert _Server(upstream).config.timeout_keep_alive > 2 * kept_by_client_s


def test_every_option_and_route_is_in_the_reference_and_no_other() -> None:
    """GIVEN the options, the routes and the faults THEN the tables of docs/reference/upstream.md name the same."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "upstream.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    options = {option for action in _parser()._actions for option in action.option_strings} - {"-h", "--help"}
    app = create_app(Upstream(SpeechMemo(1), LatencyRange(0, 0), Faults([], 1), 1, 1))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert documented == options | routes | set(FAULTS)


def test_its_port_unless_given_is_where_speech_servers_of_its_kind_listen() -> None:
    """GIVEN no --port THEN it is 8880, which the documents name."""
    assert _parser().parse_args([]).port == DEFAULT_PORT == 8880
