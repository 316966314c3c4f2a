"""The ways in which chunks are asked for, and a look beforehand whether a server answers each of them as it should."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from benchmarks.errors import BenchmarkError
from benchmarks.suite.made_store import MadeBlock
from benchmarks.suite.wrk_script import Request

RANGE_FROM_BYTES = 200_000
"""Where a range begins: somebody has jumped into the middle of a block, and wants the rest."""

Kind = Literal["whole", "range", "304"]
_STATUS: Mapping[Kind, int] = {"whole": 200, "range": 206, "304": 304}
_ANSWER_WITHIN_S = 30.0


@dataclass(frozen=True)
class Way:
    """How chunks are asked for: over how many connections, one request or any number on each, and which part."""

    connections: int
    kept: bool = True
    kind: Kind = "whole"

    @property
    def setting(self) -> str:
        """What the report calls it."""
        part = {"whole": "", "range": ", Range", "304": ", 304"}[self.kind]
        return f"{self.connections} connections, {'keep-alive' if self.kept else 'one request each'}{part}"

    def body_bytes(self, block: MadeBlock) -> int:
        """Return how long the body of an answer is."""
        return {"whole": block.size_bytes, "range": block.size_bytes - RANGE_FROM_BYTES, "304": 0}[self.kind]

    def request(self, block: MadeBlock, etag: str, headers: Mapping[str, str]) -> Request:
        """Return the request for a block, of which the server's entity tag is known, with the server's headers."""
        asked = dict(headers)
        if not self.kept:
            asked["Connection"] = "close"
        if self.kind == "range":
            asked["Range"] = f"bytes={RANGE_FROM_BYTES}-"
        elif self.kind == "304":
            asked["If-None-Match"] = etag
        return Request(block.path, asked)


def known_etags(url: str, blocks: Sequence[MadeBlock], headers: Mapping[str, str]) -> list[str]:
    """Ask for every block once, and return the entity tags of the answers: then the server has met each of them.

    Raises:
        BenchmarkError: an answer is not the whole chunk, or there is none.
    """
    way = Way(1)
    return [_answer(url, way.request(block, "", headers), 200, block.size_bytes) for block in blocks]


def check(url: str, way: Way, block: MadeBlock, request: Request) -> None:
    """Ask once in this way.

    Raises:
        BenchmarkError: it is not answered, or with another status, or with more or less than is asked for.
    """
    _answer(url, request, _STATUS[way.kind], way.body_bytes(block))


def _answer(url: str, request: Request, status: int, size_bytes: int) -> str:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", request.path, headers=dict(request.headers))
        answer = connection.getresponse()
        got_bytes = len(answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{url}{request.path}: {error}") from None
    finally:
        connection.close()
    if (answer.status, got_bytes) != (status, size_bytes):
        raise BenchmarkError(
            f"{url}{request.path}: answered {answer.status} with {got_bytes:,} bytes, not {status} with {size_bytes:,}"
        )
    etag = answer.headers["ETag"]
    if not etag:
        raise BenchmarkError(f"{url}{request.path}: answered without an ETag")
    return etag
