"""What clients send to the cached and document routes, checked at the border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request

from reference_server.chunk import Voicing, Wanted
from reference_server.fields import bad, require, speed_of, text_of
from reference_server.outline import Outline
from reference_server.settings import Settings

PROVIDER = "openai"
"""The kind of speech service that the server speaks to: any that is compatible with OpenAI's."""

DEFAULT_SPEED = 1.0

_LONGEST_NAME = 200
"""Characters of a voice, a model or an id; their own rules are narrower."""


@dataclass(frozen=True)
class ChunkQuery:
    """Which chunk is asked for, and what the client expects of it."""

    document_id: str
    page: int
    block_index: int
    wanted: Wanted

    @classmethod
    def of(cls, query: QueryParams) -> ChunkQuery:
        """Read the query of a request; raises ApiError 400."""
        document_id, page, block_index = (
            _required(query, name) for name in ("documentId", "page", "blockIndex")
        )
        return cls(document_id, whole_of("page", page), whole_of("blockIndex", block_index), wanted_of(query))


def wanted_of(query: QueryParams) -> Wanted:
    """Return the settings and the text hash that a query names; raises ApiError 400."""
    speed = query.get("speed")
    try:
        factor = None if speed is None else speed_of(float(speed))
    except ValueError:
        raise bad("speed", speed, "a number") from None
    return Wanted(query.get("voice"), factor, query.get("model"), query.get("textHash"))


def document_id_of(request: Request) -> str:
    """Return the query's documentId; raises ApiError 400 without one."""
    return _required(request.query_params, "documentId")


def voicing_of(fields: Mapping[str, Any], settings: Settings) -> Voicing:
    """Return the settings that a body asks for, by default the server's own; raises ApiError 400."""
    voice, model = (
        text_of(name, fields.get(name, default), _LONGEST_NAME)
        for name, default in (("voice", settings.tts_voice), ("model", settings.tts_model))
    )
    return Voicing(PROVIDER, model, voice, speed_of(fields.get("speed", DEFAULT_SPEED)))


def pages_of(fields: Mapping[str, Any], outline: Outline) -> dict[int, int]:
    """Return the pages that a body asks for, each with the number of its blocks.

    They are all, some, or the current page and the next. Waits for the disk.

    Raises:
        ApiError: 400 `BAD_REQUEST`, `MISSING_PARAMETERS`, 404 `NO_PAGE`.
    """
    pages = fields.get("pages", "all")
    if pages == "all":
        return {size.page: size.blocks for size in outline.sizes()}
    if pages == "current+next":
        require(fields, "page")
        current = _page(fields["page"])
        pages = [current, current + 1] if current < outline.page_count else [current]
    if not isinstance(pages, list) or not pages:
        raise bad("pages", pages, 'a list of at least one page number, "all" or "current+next"')
    return {page: len(outline.page(page)) for page in sorted({_page(page) for page in pages})}


def require_document_id(fields: Mapping[str, Any]) -> str:
    """Return a body's documentId; raises ApiError 400 without one."""
    require(fields, "documentId")
    return text_of("documentId", fields["documentId"], _LONGEST_NAME)


def _required(query: Mapping[str, str], name: str) -> str:
    require(query, name)
    return query[name]


def whole_of(name: str, value: str) -> int:
    """Return a whole number of at most nine digits; raises ApiError 400."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise bad(name, value, "a whole number")
    return int(value)


def _page(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad("page", value, "a page number")
    return value
