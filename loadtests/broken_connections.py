"""Why a server gave no answer, told in one line: from what the HTTP client raised, and one look at the port."""

import http.client
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import TypeGuard
from urllib.parse import SplitResult

import requests
import urllib3

_HANDSHAKE_S = 5.0


class PrepareError(Exception):
    """A server refused or failed; the text is one line for the user."""


class BrokenOffError(PrepareError):
    """The connection was there and ended before the answer did."""


def what_broke(
    error: requests.RequestException, method: str, parts: SplitResult, url: str, silence_s: float
) -> PrepareError:
    """Returns the error to raise for what a request raised.

    Args:
        error: what the client raised.
        method: that of the request.
        parts: the base URL, as split.
        url: what was asked, without a password.
        silence_s: how long the answer was waited for.
    """
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    causes = list(_causes(error))
    unreachable = next(filter(None, (_unreachable(cause, place) for cause in causes)), None)
    if unreachable is not None:
        return PrepareError(f"{place}: {unreachable}")
    if isinstance(error, requests.ConnectTimeout):
        return PrepareError(f"{place}: cannot be reached: no connection in time. Is a firewall in between?")
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return PrepareError(f"{method} {url}: does not answer within {silence_s:g} s. See the server's log.")
    if not any(isinstance(cause, http.client.HTTPException | ConnectionError) for cause in causes):
        reason = next((str(cause.strerror) for cause in causes if _has_reason(cause)), str(error))
        return PrepareError(
            f"{place}: cannot be reached: {' '.join(reason.split())}. Is the server running there?"
        )
    return _ended_early(causes, parts, place, f"{method} {url}")


def _ended_early(
    causes: Sequence[BaseException], parts: SplitResult, place: str, request: str
) -> PrepareError:
    if parts.scheme == "http" and _speaks_tls(parts):
        return PrepareError(f"{place}: speaks TLS. Use {place.replace('http', 'https', 1)}.")
    if any(type(cause) is http.client.BadStatusLine for cause in causes):
        return PrepareError(f"{place}: what answers there does not speak HTTP. Check the port.")
    return BrokenOffError(f"{request}: the connection broke off. Did the server end? See its log.")


def _unreachable(cause: BaseException, place: str) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            reason = cause.verify_message.rstrip(".")
            return f"its certificate is not trusted ({reason}). Mend it, or go without the check: --insecure."
        case ssl.SSLError():
            reason = (cause.reason or type(cause).__name__).replace("_", " ").lower()
            return f"TLS fails ({reason}). If none is spoken there, use {place.replace('https', 'http', 1)}."
        case socket.gaierror():
            return "no host has this name. Check its spelling."
        case ConnectionRefusedError():
            return "cannot be reached: nothing listens there. Is the server running?"
    return None


def _has_reason(cause: BaseException) -> TypeGuard[OSError]:
    return isinstance(cause, OSError) and bool(cause.strerror)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _speaks_tls(parts: SplitResult) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: only whether it is TLS is asked
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 80), _HANDSHAKE_S) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname),
        ):
            return True
    except (OSError, ValueError):
        return False
