"""What a client may send as JSON, checked at the border: one reader and one set of rules for all routes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from reference_server.errors import ApiError

_SLOWEST, _FASTEST = 0.25, 4.0


async def read_object(request: Request, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object that a request carries; its raw body is gone when this returns.

    `request.json()` would keep the raw body beside what was parsed for as long as the request lives.

    Raises:
        ApiError: 400 `BAD_REQUEST`, 413 `TOO_LARGE` for a body of more than `max_bytes`.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            raise too_large(max_bytes)
    try:
        fields = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "BAD_REQUEST", "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "BAD_REQUEST", "The body is not a JSON object.")
    return fields


def require(fields: Mapping[str, Any], *names: str) -> None:
    """Raise ApiError 400 `MISSING_PARAMETERS` unless every name has a value that is not empty."""
    missing = [name for name in names if fields.get(name) in (None, "", [])]
    if missing:
        raise ApiError(400, "MISSING_PARAMETERS", f"Missing required parameters: {', '.join(missing)}.")


def text_of(name: str, value: object, longest: int) -> str:
    """Return a text of 1 to `longest` characters that UTF-8 can carry; raises ApiError 400."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise bad(name, value, f"a text of 1 to {longest} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad(name, value, "a text: it holds half of a surrogate pair") from None
    return value


def speed_of(value: object) -> float:
    """Return a speed that the upstream's API knows; raises ApiError 400."""
    if isinstance(value, int | float) and not isinstance(value, bool) and _SLOWEST <= value <= _FASTEST:
        return float(value)
    raise bad("speed", value, f"a number from {_SLOWEST} to {_FASTEST:g}")


def bad(name: str, value: object, wanted: str) -> ApiError:
    """Return the refusal of a value, of which it shows the beginning; an array or object it only names."""
    if value is None:
        shown = "null"
    else:
        shown = "an array or object" if isinstance(value, list | dict) else repr(str(value)[:100])
    return ApiError(400, "BAD_REQUEST", f"{name}: {shown} is not {wanted}.")


def too_large(max_bytes: int) -> ApiError:
    """Return the refusal of a body over `max_bytes`."""
    return ApiError(413, "TOO_LARGE", f"The body is larger than {max_bytes} bytes. Send a smaller one.")


def _refuse_constant(name: str) -> None:
    """NaN and the infinities, which Python reads, are no JSON (RFC 8259)."""
    raise ValueError(name)
