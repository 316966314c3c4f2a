"""HTTP as a soak asks it: bounded, without redirects, and every fault told by what it says of whom."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Literal
from urllib.parse import urlsplit

from profiles.remote_page import MOST_BYTES, direct_opener

WITHIN_S = 5.0
"""An answer that takes longer is none."""
Kind = Literal["network", "refused", "silent", "tls", "status", "content"]
_OUR_NETWORK = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_DATE_STEP_S = 1.0
"""A Date header has whole seconds."""
PROMPT_S = 1.0
"""When an answer that took longer was dated nobody knows, and a server that is starved dates it by an old clock."""


class Fault(Exception):  # noqa: N818  # what a network does is no error of ours
    """An answer that could not be had: of which kind, and why in a few words."""

    def __init__(self, kind: Kind, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.status = status

    @property
    def unconnected(self) -> bool:
        """Whether there was no HTTP answer at all: the network may be why."""
        return self.kind in ("network", "refused", "silent", "tls")


@dataclass(frozen=True)
class Place:
    """Where something is asked for, and what is sent along, which nobody is shown."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def below(self, path: str) -> Place:
        """Return a place below this one."""
        return Place(self.address.rstrip("/") + path, self.headers)

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a secret."""
        return urlsplit(self.address)._replace(query="", fragment="").geturl()


@dataclass(frozen=True)
class Answer:
    """A whole answer of status 2xx; `ahead_s` is how far its server's clock is ahead of ours, None: it does not say."""

    body: bytes
    ahead_s: float | None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the JSON that the answer is.

        Raises:
            Fault: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            what = "HTML" if self.body.lstrip()[:1] == b"<" else "no JSON"
            raise Fault("content", f"the answer is {what}") from None


def ask(place: Place, *, within_s: float = WITHIN_S, data: bytes | None = None) -> Answer:
    """Return the answer of a GET, or of a POST of `data`.

    Raises:
        Fault: there is none of status 2xx; says why, and never a header or a query.
    """
    request = urllib.request.Request(place.address, data=data, headers=dict(place.headers))  # noqa: S310  # checked before
    begun, wall_s = time.monotonic(), time.time()
    try:
        with direct_opener().open(request, timeout=within_s) as found:
            body = _body(found, begun + within_s, within_s)
            return Answer(body, _ahead_s(found.headers.get("Date"), wall_s, time.time()))
    except urllib.error.HTTPError as error:
        error.close()
        raise Fault("status", _status(error), error.code) from None
    except (OSError, HTTPException, ValueError) as error:
        raise _fault(error, within_s) from None


def _body(found: Any, deadline: float, within_s: float) -> bytes:
    body = b""
    while more := found.read1(65536):
        body += more
        if len(body) > MOST_BYTES:
            raise Fault("content", f"the answer is larger than {MOST_BYTES // 2**20} MB")
        if time.monotonic() > deadline:
            raise Fault("silent", f"no whole answer within {within_s:g} s")
    return body


def _status(error: urllib.error.HTTPError) -> str:
    location = error.headers.get("Location")
    where = f", and leads to {urlsplit(location)._replace(query='').geturl()}" if location else ""
    return f"status {error.code}{where}"


def _fault(error: Exception, within_s: float) -> Fault:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLError):
        return Fault("tls", _tls(cause))
    match cause:
        case socket.gaierror():
            return Fault("network", "no host has this name, or names cannot be looked up")
        case TimeoutError():
            return Fault("silent", f"no whole answer within {within_s:g} s")
        case ConnectionRefusedError():
            return Fault("refused", "nothing listens there")
        case OSError() if cause.errno in _OUR_NETWORK:
            return Fault("network", cause.strerror or "no way there")
    return Fault("silent", f"the connection broke off ({type(cause).__name__})")


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message.rstrip('.')})"
    return f"TLS fails ({(error.reason or 'no reason told').replace('_', ' ').lower()})"


def _ahead_s(date: str | None, sent_s: float, received_s: float) -> float | None:
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return None
    if received_s - sent_s > PROMPT_S:
        return None
    # It was written at any time between, in whole seconds: what that leaves open is not told for a difference.
    least, most = told - received_s, told + _DATE_STEP_S - sent_s
    return 0.0 if least <= 0 <= most else (least + most) / 2
