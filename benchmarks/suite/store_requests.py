"""What the server's CPU costs a request for status, a chunk or the totals, over one kept connection."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server
from benchmarks.suite.big_store import BigStore
from benchmarks.suite.made_store import DOCUMENT_ID
from benchmarks.suite.process_cost import ProcessCost

STATUS, STATUS_FIRST = "status, CPU a request", "status read anew, CPU a request"
CHUNK, CHUNK_FIRST = "chunk lookup, CPU a request", "chunk lookup on disk, CPU a request"
STATS = "stats, CPU a request"
RSS = "RSS of the server"

_STATUS = f"/api/tts/preprocess/status?{urlencode({'documentId': DOCUMENT_ID})}"
_STATS = "/api/tts/preprocess/stats"
_STATUS_AGAIN, _CHUNKS_AGAIN, _STATS_AGAIN = 25, 5, 50
_ANSWER_WITHIN_S = 60.0


class StoreRequests:
    """Asks a server on a `BigStore`, and tells what that cost it; a context, for its connection.

    Entered, it looks whether the server knows the document as it was made: raises BenchmarkError, or OSError. A chunk
    is asked for with the entity tag that it has: the answer is 304, found as any chunk is, with nothing sent.
    """

    def __init__(self, server: Server, store: BigStore) -> None:
        self._store = store
        self._cost = ProcessCost.of(server)
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=_ANSWER_WITHIN_S)
        self._chunks = [_chunk_request(block.page, block.index, store.audio(block)) for block in store.blocks]

    def __enter__(self) -> Self:
        try:
            self._check()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def _check(self) -> None:
        status = json.loads(self._ask(_STATUS))
        if (status["state"], status["done"]) != ("complete", len(self._chunks)):
            raise BenchmarkError(f"{self._store.docstore}: the server says of the document: {status}")

    def measure(self, passes: int) -> dict[str, float]:
        """Return the CPU time of each kind of request in us, the mean over these passes, by its name.

        Raises:
            BenchmarkError: it is answered otherwise than it should.
            OSError: it is not answered.
        """
        spent_s: dict[str, float] = {}
        counts: dict[str, int] = {}

        def spend(name: str, times: int, ask: Callable[[], object]) -> None:
            began_s = self._cost.cpu_s()
            for _ in range(times):
                ask()
            spent_s[name] = spent_s.get(name, 0.0) + self._cost.cpu_s() - began_s
            counts[name] = counts.get(name, 0) + times

        self._connection.close()  # since its last turn the server may have: the next request opens another
        self._ask(_STATS)
        for _ in range(passes):
            self._forgotten()
            spend(STATUS_FIRST, 1, lambda: self._ask(_STATUS))
            spend(STATUS, _STATUS_AGAIN, lambda: self._ask(_STATUS))
            spend(CHUNK_FIRST, 1, self._ask_for_all_chunks)
            spend(CHUNK, _CHUNKS_AGAIN, self._ask_for_all_chunks)
            spend(STATS, _STATS_AGAIN, lambda: self._ask(_STATS))
        for name in (CHUNK_FIRST, CHUNK):
            counts[name] *= len(self._chunks)
        return {name: spent / counts[name] * 1e6 for name, spent in spent_s.items()}

    @property
    def rss_mb(self) -> float:
        """The server's resident memory now."""
        return self._cost.rss_bytes() / 1e6

    def _forgotten(self) -> None:
        """Make what the server knows of the document worthless: its files look as if another hand had changed them."""
        os.utime(self._store.document)
        os.utime(self._store.pages)

    def _ask_for_all_chunks(self) -> None:
        for path, headers in self._chunks:
            self._ask(path, headers, 304)

    def _ask(self, path: str, headers: Mapping[str, str] | None = None, status: int = 200) -> bytes:
        self._connection.request("GET", path, headers=dict(headers or {}))
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != status:
            raise BenchmarkError(f"{path}: answered {answer.status}, not {status}: {body[:200]!r}")
        return body


def _chunk_request(page: int, index: int, audio: Path) -> tuple[str, dict[str, str]]:
    query = urlencode({"documentId": DOCUMENT_ID, "page": page, "blockIndex": index})
    tag = hashlib.sha256(audio.read_bytes()).hexdigest()
    return f"/api/tts/chunk?{query}", {"If-None-Match": f'"{tag}"'}
