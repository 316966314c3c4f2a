"""Whether a client has the answer already: what it says in If-None-Match."""

from __future__ import annotations

from starlette.requests import Request


def has_it(request: Request, etag: str) -> bool:
    """Return whether the request names this entity tag, compared weakly (RFC 9110, 13.1.2), or any."""
    return names(request.headers.get("if-none-match", ""), etag)


def names(if_none_match: str, etag: str) -> bool:
    """Return whether an If-None-Match names this entity tag, or any."""
    if if_none_match == etag:
        return True
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag.removeprefix("W/") in tags or "*" in tags
