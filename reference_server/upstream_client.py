"""The connections to the speech upstream: how many, how much an answer may hold, and where they never go."""

from collections.abc import AsyncIterator
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
import openai

MOST_ANSWER_BYTES = 32 * 1024 * 1024
"""Half an hour of speech at 128 kb/s; a block's has half a megabyte."""

MOST_ERROR_BYTES = 64 * 1024
"""What is read of an answer that refuses; the rest would only be thrown away."""

_SENT = frozenset(
    ["host", "connection", "authorization", "accept", "accept-encoding", "content-type", "content-length"]
)
"""The headers of a question. The package would add others, some from environment variables of its own."""

_CONNECTIONS = 256
_IDLE_CONNECTIONS = 64


class BadAnswerError(httpx2.RequestError):
    """The upstream's answer is no speech; the message says why, in one line of ours."""


def upstream_client(base: str, api_key: str, timeout_s: float) -> openai.AsyncOpenAI:
    """Return a client that tries nothing again, follows no redirect, keeps no cookie and reads no more than fits.

    A redirect could lead a key, or the server itself, to any address in the network. Compressed answers are
    not asked for and not taken: some kilobytes of them can hold gigabytes.
    """
    http_client = openai.DefaultAsyncHttpxClient(
        timeout=timeout_s,
        limits=httpx2.Limits(
            max_connections=_CONNECTIONS, max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=5
        ),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        event_hooks={"request": [_leave_out], "response": [_bound]},
    )
    return openai.AsyncOpenAI(
        api_key=api_key,
        base_url=base,
        max_retries=0,
        timeout=timeout_s,
        http_client=http_client,
        default_headers={"Accept-Encoding": "identity"},
    )


async def _leave_out(request: httpx2.Request) -> None:
    """Take out what the upstream needs not know: the settings of this server count, and no others."""
    for name in [name for name in request.headers if name not in _SENT]:
        del request.headers[name]


async def _bound(response: httpx2.Response) -> None:
    """Put a limit on what can be read of an answer whose head has come."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise BadAnswerError("The speech upstream answered compressed, without being asked to.")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Limited(response.stream, refuses=not response.is_success)


class _Limited(httpx2.AsyncByteStream):
    """A body of which only so much can be read: a refusal is cut, anything else is an error."""

    def __init__(self, stream: httpx2.AsyncByteStream, *, refuses: bool) -> None:
        self._stream = stream
        self._refuses = refuses

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_ERROR_BYTES if self._refuses else MOST_ANSWER_BYTES
        async for part in self._stream:
            left -= len(part)
            if left >= 0:
                yield part
            elif self._refuses:
                yield part[:left]
                return
            else:
                raise BadAnswerError(
                    f"The speech upstream's answer is larger than {MOST_ANSWER_BYTES // 2**20} MiB."
                )

    async def aclose(self) -> None:
        await self._stream.aclose()
