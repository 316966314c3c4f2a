"""Whether a client has the answer already: what it says in If-None-Match."""

from __future__ import annotations

from starlette.requests import Request


def has_it(request: Request, etag: str) -> bool:
    """Return whether the request names this entity tag, compared weakly (RFC 9110, 13.1.2), or any."""
    known = request.headers.get("if-none-match", "").split(",")
    tags = {tag.strip().removeprefix("W/") for tag in known}
    return etag.removeprefix("W/") in tags or "*" in tags
