"""The wire: the requests that one reader makes, each measured and written down when it ends."""

import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from gevent import GreenletExit  # type: ignore[import-untyped]  # gevent carries no types
from locust.contrib.fasthttp import FastHttpSession, LocustUserAgent

from loadtests.chapters import Block, Chapters, Voice
from loadtests.connections import read_in_large_pieces
from loadtests.request_log import Kind, Row, Rows
from loadtests.speech_shelf import UnplayableError, mp3_duration_s

LEFT = 499
_JSON = {"Content-Type": "application/json"}

# Otherwise every 4xx and 5xx raises inside the client, which then renders the whole request, a 1.7 MB body
# included, into its debug text, and drops the answer's body. Statuses are judged below.
LocustUserAgent.valid_response_codes = frozenset(range(100, 600))


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended.

    Attributes:
        status: HTTP status, 0 without a whole HTTP answer.
        body: the body, empty without one.
        ended_t: when the last byte was here.
        duration_s: playing time where the answer is playable speech, else None.
    """

    status: int
    body: bytes
    ended_t: float
    duration_s: float | None = None


class Exchange:
    """Requests of one reader. Connection errors, HTTP errors and unplayable speech are answers, not raised.

    Args:
        http: Locust's client; its request events and statistics are fed as usual.
        log: where rows go.
        reader: the reader's number in the rows.
        chapters: names the document and the speech model.
    """

    def __init__(self, http: FastHttpSession, log: Rows, reader: int, chapters: Chapters) -> None:
        read_in_large_pieces(http)
        self._http = http
        self._log = log
        self._reader = reader
        self._chapters = chapters

    def live_speech(self, block: Block, voice: Voice, intended_t: float, source: str) -> Answer:
        """POST /api/tts."""
        body = json.dumps(
            {
                "text": block.text,
                "voice": voice.name,
                "speed": voice.speed,
                "model": self._chapters.model,
                "format": "mp3",
            }
        ).encode()
        return self._request("tts", "POST", "/api/tts", body, intended_t, source)

    def stored_speech(self, block: Block, voice: Voice, intended_t: float, source: str) -> Answer:
        """GET /api/tts/chunk. A 404 is an answer that Locust's statistics do not count as a failure."""
        return self._request("chunk", "GET", "/api/tts/chunk", self._query(block, voice), intended_t, source)

    def live_timings(self, body: bytes, intended_t: float, source: str) -> Answer:
        """POST /api/whisper, with the encoded body."""
        return self._request("whisper", "POST", "/api/whisper", body, intended_t, source)

    def stored_timings(self, block: Block, voice: Voice, intended_t: float, source: str) -> Answer:
        """GET /api/tts/timings."""
        return self._request(
            "timings", "GET", "/api/tts/timings", self._query(block, voice), intended_t, source
        )

    def make_ahead(self, page: int, voice: Voice, intended_t: float) -> Answer:
        """POST /api/tts/preprocess for a page and the next; answered at once, with the job's progress."""
        body = json.dumps(
            {
                "documentId": self._chapters.document_id,
                "pages": "current+next",
                "page": page,
                "voice": voice.name,
                "speed": voice.speed,
                "model": self._chapters.model,
            }
        ).encode()
        return self._request("preprocess", "POST", "/api/tts/preprocess", body, intended_t, f"page:{page}")

    def _query(self, block: Block, voice: Voice) -> str:
        return urlencode(
            {
                "documentId": self._chapters.document_id,
                "page": block.page,
                "blockIndex": block.block_index,
                "voice": voice.name,
                "speed": f"{voice.speed:g}",
                "model": self._chapters.model,
                "textHash": block.text_hash,
            }
        )

    def _request(
        self, kind: Kind, method: str, path: str, sent: bytes | str, intended_t: float, source: str
    ) -> Answer:
        url, data = (f"{path}?{sent}", None) if isinstance(sent, str) else (path, sent)
        sent_t = time.monotonic()
        try:
            answer = self._exchange(kind, method, url, path, data)
        except GreenletExit:
            self._write(kind, sent_t, intended_t, Answer(LEFT, b"", time.monotonic()), source)
            raise
        except Exception:  # noqa: BLE001  # whatever the client raises, the reader has got no answer
            answer = Answer(0, b"", time.monotonic())
        if kind in {"tts", "chunk"} and 200 <= answer.status < 400 and answer.duration_s is None:
            source += ":unplayable"
        self._write(kind, sent_t, intended_t, answer, source)
        return answer

    def _exchange(self, kind: Kind, method: str, url: str, name: str, data: bytes | None) -> Answer:
        headers = _JSON if data is not None else None
        with self._http.request(
            method,
            url,
            name=name,
            data=data,  # type: ignore[arg-type]  # bytes are taken as its docstring says, its types forgot
            headers=headers,
            catch_response=True,
        ) as response:
            ended_t = time.monotonic()
            if response.request_meta["exception"] is not None:
                return Answer(0, b"", ended_t)  # no connection, or cut off on the way
            status, body = response.status_code, response.content or b""
            if kind == "chunk" and status == 404:
                response.success()
            elif status >= 400:
                response.failure(f"HTTP {status}")
            elif kind in {"tts", "chunk"}:
                try:
                    return Answer(status, body, ended_t, mp3_duration_s(body))
                except UnplayableError as error:
                    response.failure(str(error))
            return Answer(status, body, ended_t)

    def _write(self, kind: Kind, sent_t: float, intended_t: float, answer: Answer, source: str) -> None:
        late_s = max(0.0, sent_t - intended_t)
        latency_s = answer.ended_t - sent_t
        size = len(answer.body)
        self._log.write(Row(sent_t, self._reader, kind, answer.status, size, latency_s, late_s, source))
