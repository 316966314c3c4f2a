"""What went wrong upstream, told so that a client can act on it and no secret is told along."""

import html
import json
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote

import anyio
import httpx2
import openai

from reference_server.upstream_client import MOST_ERROR_BYTES, BadAnswerError

_LONGEST_DETAIL = 200
_LONGEST_WAIT_S = 24 * 3600.0
_RESTART_S = 2.0
"""When to ask again who cannot be reached or broke off: a restart takes seconds, and asking at once takes none."""

CALL_ERRORS = (
    openai.APIError,
    httpx2.RequestError,
    ssl.SSLError,
    anyio.EndOfStream,
    ValueError,
    RecursionError,
)
"""What a call can raise: the package's errors, HTTP's and TLS's while a body is read, JSON that is none."""

Outcome = Literal["ok", "too_many", "refused", "failed", "unreachable", "too_late", "aborted"]
"""How a call to the upstream ended; `aborted` is one that nobody waited for any more."""


@dataclass(frozen=True)
class UpstreamFailure:
    """One failed call.

    Attributes:
        outcome: how it is counted.
        status: what a client should be told: 429 (too many requests), 502 (the upstream failed), 504 (it took
            too long) or 500 (it refused).
        message: one short line for people, without the key.
        may_pass: whether the same call may succeed a moment later.
        retry_after_s: when the upstream says it may be asked again, or when one that cannot be reached or broke
            off is worth another try; None when nothing is known.
    """

    outcome: Outcome
    status: int
    message: str
    may_pass: bool = False
    retry_after_s: float | None = None


def too_late(limit_s: float) -> UpstreamFailure:
    """Return the failure of a call that took all the time it had."""
    message = f"The speech upstream did not answer in {limit_s:g} s."
    return UpstreamFailure("too_late", HTTPStatus.GATEWAY_TIMEOUT, message)


def failure_of(error: Exception, api_key: str, limit_s: float) -> UpstreamFailure:
    """Return what one of `CALL_ERRORS` means; `api_key` is the one that must not be seen in it."""
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, api_key)
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    if isinstance(error, openai.APITimeoutError) or isinstance(cause, httpx2.TimeoutException):
        return too_late(limit_s)
    if isinstance(cause, BadAnswerError):
        return UpstreamFailure("failed", HTTPStatus.BAD_GATEWAY, str(cause))
    if isinstance(cause, httpx2.ConnectError | httpx2.LocalProtocolError) or cause is None:
        # Not the error's own text: where a header is at fault, it shows the header.
        message = "The speech upstream cannot be reached. Is API_BASE right, and does it run?"
        return UpstreamFailure("unreachable", HTTPStatus.BAD_GATEWAY, message, retry_after_s=_RESTART_S)
    if isinstance(cause, ValueError | RecursionError):
        return UpstreamFailure("failed", HTTPStatus.BAD_GATEWAY, "The speech upstream's JSON cannot be read.")
    message = "The speech upstream broke its answer off."
    return UpstreamFailure("failed", HTTPStatus.BAD_GATEWAY, message, retry_after_s=_RESTART_S)


def without_secret(text: str, secret: str) -> str:
    """Return a text with every spelling of a secret that an answer might echo taken out."""
    if secret in {"", "none"}:
        return text
    for spelling in (secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe="")):
        text = text.replace(spelling, "***")
    return text


def seconds_to_wait(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After, which is a number of seconds or an HTTP date; a day at most, None if it is neither."""
    if header is None:
        return None
    if header.isascii() and header.isdecimal():
        return min(float(header), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(header)
        wait_s = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, float(math.ceil(wait_s))), _LONGEST_WAIT_S)


def _refusal(error: openai.APIStatusError, api_key: str) -> UpstreamFailure:
    status = error.status_code
    message = f"The speech upstream answered {status}{_detail(error, api_key)}"
    retry_after_s = seconds_to_wait(error.response.headers.get("retry-after"), datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UpstreamFailure("too_many", status, message, may_pass=True, retry_after_s=retry_after_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        shown = status if status == HTTPStatus.GATEWAY_TIMEOUT else HTTPStatus.BAD_GATEWAY
        return UpstreamFailure("failed", shown, message, may_pass=True, retry_after_s=retry_after_s)
    if status < HTTPStatus.BAD_REQUEST:
        message = (
            f"The speech upstream answered {status}: it leads elsewhere, and redirects are not followed."
        )
        return UpstreamFailure("failed", HTTPStatus.BAD_GATEWAY, message)
    return UpstreamFailure("refused", HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _detail(error: openai.APIStatusError, api_key: str) -> str:
    """Return what the upstream says about its refusal, on one line, or the end of the sentence."""
    body: object = error.body
    said = body.get("message", body.get("detail")) if isinstance(body, Mapping) else body
    # A body that was cut may end in half of a secret.
    if not isinstance(said, str) or not said.strip() or len(error.response.content) >= MOST_ERROR_BYTES:
        return "."
    line = " ".join(without_secret(said, api_key).split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return f": {shown if len(shown) <= _LONGEST_DETAIL else shown[:_LONGEST_DETAIL] + '…'}"
