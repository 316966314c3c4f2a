"""The bare client: as many questions at once as it is told, each text once, and no answer taken for speech."""

import asyncio
import json
from collections import Counter

import httpx2
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.bare_upstream import Asked, ask, order


class _Api:
    """Answers each question once all that are to come at once have come."""

    def __init__(self, at_once: int, status: int = 200) -> None:
        self.asked: Counter[str] = Counter()
        self.waiting = self.most_waiting = 0
        self._at_once, self._status = at_once, status
        self._all_here = asyncio.Event()

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/audio/speech"
        self.asked[json.loads(request.content)["input"]] += 1
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        if self.waiting >= self._at_once:
            self._all_here.set()
        await self._all_here.wait()
        await asyncio.sleep(0)  # whoever was to come beyond the limit would come now
        self.waiting -= 1
        return httpx2.Response(self._status, content=b"mp3")


def _ask(texts: list[str], concurrency: int, status: int = 200) -> tuple[Asked, _Api]:
    async def run() -> tuple[Asked, _Api]:
        api = _Api(concurrency, status)
        transport = httpx2.MockTransport(api)
        async with httpx2.AsyncClient(base_url="http://api/v1", transport=transport) as client:
            return await ask(client, texts, concurrency), api

    return asyncio.run(run())


def test_every_text_is_asked_for_once_and_no_more_than_told_at_a_time() -> None:
    """GIVEN ten texts and four at once THEN four wait together, never five, and each text was asked for once."""
    texts = [f"text {number}" for number in range(10)]
    asked, api = _ask(texts, 4)
    assert api.asked == Counter(texts)
    assert api.most_waiting == 4
    assert (asked.blocks, asked.audio_bytes) == (10, 30)
    assert asked.seconds > 0


def test_an_answer_that_is_no_speech_is_an_error() -> None:
    """GIVEN an API that refuses THEN that is no rate, but an error with its status."""
    with pytest.raises(BenchmarkError, match="503"):
        _ask(["text"], 1, status=503)


def test_the_question_is_the_one_that_the_server_asks() -> None:
    """GIVEN a text THEN it is asked for in the default voice as an MP3, with nothing else."""
    assert order("Good morning.") == {
        "input": "Good morning.",
        "model": "tts-1",
        "voice": "alloy",
        "speed": 1.0,
        "response_format": "mp3",
    }
