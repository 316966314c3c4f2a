"""Whether a server is healthy, as its own answer says; it is asked directly, past any proxy."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlsplit

HEALTH_PATH = "/api/health"
"""Where the reference server, and what speaks as it does, says how it is."""
_MOST_BYTES = 4096
"""Our own answer is far smaller; of a page nothing is needed but that it comes."""


def healthy(url: str, path: str = HEALTH_PATH, *, timeout_s: float = 5.0) -> bool:
    """Return whether the server says that it is healthy; see `ailment`."""
    return ailment(url, path, timeout_s=timeout_s) is None


def ailment(url: str, path: str = HEALTH_PATH, *, timeout_s: float = 5.0) -> str | None:
    """Return what is wrong with a server's answer; None when it is healthy.

    An answer that is a JSON object with `ok` says it itself. Of any other, a status of 2xx or 3xx is enough: a
    redirect is an answer too, and is not followed, for it may lead elsewhere.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = _beginning(answer, time.monotonic() + timeout_s)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"no answer ({error})" if str(error) else "no answer"
    finally:
        connection.close()
    ok = _said(body)
    if ok is False or not 200 <= answer.status < 400:
        return f"status {answer.status}" if ok is not False else "it says that it is not healthy"
    return None


def _beginning(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    body = b""
    while len(body) < _MOST_BYTES and time.monotonic() < deadline and (more := answer.read1(_MOST_BYTES)):
        body += more
    return body


def _said(body: bytes) -> bool | None:
    """Return the `ok` of an answer like our own; None where it is no such answer."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return bool(found["ok"]) if isinstance(found, dict) and "ok" in found else None
