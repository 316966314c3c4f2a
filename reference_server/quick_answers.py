"""Chunks and word times that are known, answered at once: no thread, no routing, nothing read but what is sent.

Only what would be answered with success is answered here. All else goes on to the application, which finds it on
disk, or says why not: there is one place for each refusal, and this is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from starlette.datastructures import QueryParams, State
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_server.chunk_index import Known
from reference_server.errors import ApiError
from reference_server.etags import names
from reference_server.open_file import OpenFileResponse
from reference_server.parameters import ChunkQuery
from reference_server.zero_copy import BODY_FOLLOWS, ZERO_COPY, can_send_files

REVALIDATE = {"Cache-Control": "private, no-cache"}

_LONGEST_QUERY = 512
"""Longer ones are not remembered: they would be kept as they are."""

_QUERIES = 2048
_CONDITIONS = frozenset({b"if-none-match", b"range"})
_CACHING = (b"cache-control", b"private, no-cache")
_SOUND = (b"content-type", b"audio/mpeg"), (b"accept-ranges", b"bytes"), _CACHING
_JSON = (b"content-type", b"application/json"), _CACHING

_Answer = Callable[[Known, str, Scope, Receive, Send], Awaitable[bool]]


class QuickAnswers:
    """An application around the application, which answers for it what it can."""

    def __init__(self, app: ASGIApp, state: State, routes: Mapping[str, BaseRoute]) -> None:
        """Use the application's state; `routes` are its routes, by path, for the metrics."""
        self._app = app
        self._state = state
        self._routes = routes
        self._answers: dict[str, _Answer] = {
            "/api/tts/chunk": self._answer_chunk,
            "/api/tts/timings": self._answer_timings,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application."""
        answer = self._answers.get(scope.get("path", ""))
        if answer is not None and scope["method"] in {"GET", "HEAD"}:
            query = _query_of(scope["query_string"])
            known = query and self._find(query)
            if query and known and await answer(known, query.document_id, scope, receive, send):
                return
        await self._app(scope, receive, send)

    def _find(self, query: ChunkQuery) -> Known | None:
        known: Known | None = self._state.chunk_index.find(query.document_id, query.page, query.block_index)
        return known if known and query.wanted.fits(known) else None

    def _count(self, scope: Scope, document_id: str) -> None:
        scope["route"] = self._routes[scope["path"]]
        self._state.open_documents.touch(document_id)

    async def _answer_chunk(
        self, known: Known, document_id: str, scope: Scope, receive: Receive, send: Send
    ) -> bool:
        asked = {name: value for name, value in reversed(scope["headers"]) if name in _CONDITIONS}
        if b"if-none-match" in asked and names(asked[b"if-none-match"].decode("latin-1"), known.etag):
            if not known.is_whole():
                return False
            self._count_hit(scope, document_id)
            await _send_all(send, 304, [(b"etag", known.etag.encode()), _CACHING])
            return True
        if scope["method"] == "HEAD" or not can_send_files(scope):
            return False
        file = known.open_audio()
        if file is None:
            return False
        with file, self._state.open_documents.hold(document_id):
            self._count_hit(scope, document_id)
            if b"range" in asked:
                answer = {"ETag": known.etag, **REVALIDATE}
                await OpenFileResponse(file, media_type="audio/mpeg", headers=answer)(scope, receive, send)
                return True
            await _send_start(send, 200, _headers_of(known))
            await send({"type": ZERO_COPY, "file": file, "offset": 0, "count": known.size_bytes})
        return True

    def _count_hit(self, scope: Scope, document_id: str) -> None:
        self._count(scope, document_id)
        self._state.metrics.count_cached("hit")

    async def _answer_timings(
        self, known: Known, document_id: str, scope: Scope, _receive: Receive, send: Send
    ) -> bool:
        body = known.read_timings() if known.is_whole() else None
        if body is None:
            return False
        self._count(scope, document_id)
        await _send_all(send, 200, [*_JSON, (b"content-length", b"%d" % len(body))], body)
        return True


def routes_by_path(routes: list[BaseRoute]) -> dict[str, BaseRoute]:
    """Return routes by their path."""
    return {route.path: route for route in routes if isinstance(route, Route)}


def _headers_of(known: Known) -> list[tuple[bytes, bytes]]:
    length, etag = b"%d" % known.size_bytes, known.etag.encode()
    return [*_SOUND, (b"content-length", length), (b"last-modified", known.modified), (b"etag", etag)]


async def _send_start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers, BODY_FOLLOWS: True})


async def _send_all(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    await _send_start(send, status, headers)
    await send({"type": "http.response.body", "body": body})


def _query_of(query_string: bytes) -> ChunkQuery | None:
    """Return which chunk a query asks for, None where it cannot be one; many readers ask for the same."""
    return _parsed(query_string) if len(query_string) <= _LONGEST_QUERY else None


@lru_cache(maxsize=_QUERIES)
def _parsed(query_string: bytes) -> ChunkQuery | None:
    try:
        return ChunkQuery.of(QueryParams(query_string))
    except ApiError:
        return None
