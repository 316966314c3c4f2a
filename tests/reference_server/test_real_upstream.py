"""OpenAI's own client, and the server's, against the speech upstream as the process that it is."""

import asyncio
import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tinytag import TinyTag

from reference_server.settings import Settings
from reference_server.speech import Speech, SpeechError, SpeechRequest
from reference_server.upstream_failure import Outcome

pytestmark = pytest.mark.slow

SENTENCE = "The suite is executed, and then the method is invoked."


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The address of an upstream that answers at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "loadtests.upstream", "--port", str(port), "--latency", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


@pytest.fixture
def client(base: str) -> Iterator[openai.OpenAI]:
    """OpenAI's client, which tries nothing again."""
    with openai.OpenAI(base_url=base, api_key="any", max_retries=0) as client:
        yield client


def test_the_client_s_three_ways_give_the_same_audio(
    client: openai.OpenAI, base: str, tmp_path: Path
) -> None:
    """Whole, streamed to a file, and through the server's own client, it is the same MP3."""
    create = client.audio.speech.create
    whole = create(model="tts-1", voice="alloy", input=SENTENCE).content
    stream = client.audio.speech.with_streaming_response.create
    with stream(model="tts-1", voice="alloy", input=SENTENCE) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        assert int(answer.headers["content-length"]) == len(whole)
        answer.stream_to_file(tmp_path / "speech.mp3")
    assert (tmp_path / "speech.mp3").read_bytes() == whole
    assert _through_the_server(base, SpeechRequest(SENTENCE, "alloy", 1.0)) == (whole, {"ok": 1})
    duration_s = TinyTag.get("speech.mp3", file_obj=io.BytesIO(whole)).duration
    assert duration_s is not None
    assert 2 < duration_s < 5


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"input": ""}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"voice": "nobody"}, "voice"),
        ({"speed": 4.01}, "speed"),
        ({"speed": 0.24}, "speed"),
        ({"response_format": "opus"}, "response_format"),
        ({"model": ""}, "model"),
    ],
)
def test_wrong_input_is_refused_in_openai_s_shape(
    client: openai.OpenAI, wrong: dict[str, object], parameter: str
) -> None:
    """The client raises its error for 400, and finds message, type and the parameter at fault in it."""
    body = {"model": "tts-1", "voice": "alloy", "input": SENTENCE, **wrong}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/audio/speech", body=body, cast_to=object)
    assert (caught.value.type, caught.value.param) == ("invalid_request_error", parameter)
    assert len(caught.value.message) > 20
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}


def test_a_refusal_is_passed_on_in_one_line(base: str) -> None:
    """What the upstream says of a voice it has not is told to the reader, as 500, and is not asked again."""
    with pytest.raises(SpeechError, match="answered 400: There is no voice 'nobody'") as caught:
        _through_the_server(base, SpeechRequest(SENTENCE, "nobody", 1.0))
    assert caught.value.status == 500
    assert caught.value.message.isprintable()


def test_the_voices_it_lists_are_the_voices_it_speaks(client: openai.OpenAI, base: str) -> None:
    """Every voice on the list is spoken; the server passes the list on."""

    async def through_the_server() -> list[str]:
        speech = Speech(Settings(api_base=base))
        try:
            return await speech.voices()
        finally:
            await speech.aclose()

    listed = client.get("/audio/voices", cast_to=object)
    assert isinstance(listed, dict)
    assert asyncio.run(through_the_server()) == listed["voices"]
    for voice in listed["voices"]:
        assert len(client.audio.speech.create(model="tts-1", voice=voice, input="Yes.").content) > 1000


def _through_the_server(base: str, request: SpeechRequest) -> tuple[bytes, dict[Outcome, int]]:
    async def scenario() -> tuple[bytes, dict[Outcome, int]]:
        speech = Speech(Settings(api_base=base))
        try:
            return await speech.synthesize(request), dict(speech.outcomes)
        finally:
            await speech.aclose()

    return asyncio.run(scenario())
