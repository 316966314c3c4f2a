"""What clients send to the cached and document routes, checked at the border."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from reference_server.chunk import Voicing, Wanted
from reference_server.documents import too_large
from reference_server.errors import ApiError
from reference_server.outline import Block, Outline
from reference_server.settings import Settings

PROVIDER = "openai"
"""The kind of speech service that the server speaks to: any that is compatible with OpenAI's."""

_MAX_JSON_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ChunkQuery:
    """Which chunk is asked for, and what the client expects of it."""

    document_id: str
    page: int
    block_index: int
    wanted: Wanted

    @classmethod
    def of(cls, request: Request) -> ChunkQuery:
        """Read the query of a request; raises ApiError 400."""
        query = request.query_params
        document_id, page, block_index = (
            _required(query, name) for name in ("documentId", "page", "blockIndex")
        )
        return cls(document_id, _whole("page", page), _whole("blockIndex", block_index), wanted_of(request))


def wanted_of(request: Request) -> Wanted:
    """Return the settings and the text hash that the query names; raises ApiError 400."""
    query = request.query_params
    speed = query.get("speed")
    try:
        factor = None if speed is None else _speed(float(speed))
    except ValueError:
        raise _bad("speed", speed, "a number from 0.25 to 4") from None
    return Wanted(query.get("voice"), factor, query.get("model"), query.get("textHash"))


def document_id_of(request: Request) -> str:
    """Return the query's documentId; raises ApiError 400 without one."""
    return _required(request.query_params, "documentId")


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries, at most 1 MiB of it.

    Raises:
        ApiError: 400 `BAD_REQUEST`, 413 `TOO_LARGE`.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_JSON_BYTES:
            raise too_large(_MAX_JSON_BYTES)
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "BAD_REQUEST", "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "BAD_REQUEST", "The body is not a JSON object.")
    return fields


def voicing_of(fields: Mapping[str, Any], settings: Settings) -> Voicing:
    """Return the settings that a body asks for, by default the server's own; raises ApiError 400."""
    voice, model = (
        _text(name, fields.get(name, default))
        for name, default in (("voice", settings.tts_voice), ("model", settings.tts_model))
    )
    return Voicing(PROVIDER, model, voice, _speed(fields.get("speed", 1.0)))


def blocks_of(fields: Mapping[str, Any], outline: Outline) -> list[Block]:
    """Return the blocks of the pages that a body asks for: all, some, or the current page and the next.

    Raises:
        ApiError: 400 `BAD_REQUEST`, 404 `NO_PAGE`.
    """
    pages = fields.get("pages", "all")
    if pages == "all":
        return list(outline.blocks)
    if pages == "current+next":
        current = _page(fields.get("page"))
        pages = [current, current + 1] if current < len(outline.pages) else [current]
    if not isinstance(pages, list) or not pages:
        raise _bad("pages", pages, 'a list of page numbers, "all" or "current+next"')
    return [block for page in sorted({_page(page) for page in pages}) for block in outline.page(page)]


def require_document_id(fields: Mapping[str, Any]) -> str:
    """Return a body's documentId; raises ApiError 400 without one."""
    if "documentId" not in fields:
        raise _missing("documentId")
    return _text("documentId", fields["documentId"])


def _required(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if not value:
        raise _missing(name)
    return value


def _missing(name: str) -> ApiError:
    return ApiError(400, "MISSING_PARAMETERS", f"{name} is missing.")


def _bad(name: str, value: object, wanted: str) -> ApiError:
    return ApiError(400, "BAD_REQUEST", f"{name}: {str(value)[:100]!r} is not {wanted}.")


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise _bad(name, value, "a whole number")
    return int(value)


def _page(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad("page", value, "a page number")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 200:
        raise _bad(name, value, "a text of 1 to 200 characters")
    return value


def _speed(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.25 <= value <= 4:
        return float(value)
    raise _bad("speed", value, "a number from 0.25 to 4")
