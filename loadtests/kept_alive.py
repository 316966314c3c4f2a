"""A browser's way with a kept-alive connection that the server closes just as it is used again.

Whatever the request, a browser sends it once more, on a new connection, if the old one ended before any byte of
the answer; on a new connection that ends so it gives up (Chromium: ``HttpNetworkTransaction::ShouldResendRequest``).
The HTTP client by itself gives up on every POST, and sends a GET once for each connection that it may have: some
256 times here.
"""

from typing import Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPSocketPoolResponse
from geventhttpclient.url import URL
from geventhttpclient.useragent import UserAgent


class BrowserClient(HTTPClient):
    """Connections to one host."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connection_pool.size = -1  # how often it would send again is this and 1; nothing else reads it

    def request(self, *args: Any, **kwargs: Any) -> HTTPSocketPoolResponse:
        """Sends a request, and again if a kept-alive connection ended before the answer began."""
        kept_alive = not self._connection_pool._socket_queue.empty()  # noqa: SLF001  # nobody else knows
        try:
            return super().request(*args, **kwargs)
        except (HTTPConnectionClosed, ConnectionResetError, BrokenPipeError):
            if not kept_alive:
                raise
            return super().request(*args, **kwargs)


class BrowserClients(HTTPClientPool):
    """Connections to each host."""

    def get_client(self, url: str | URL) -> HTTPClient:
        """Returns those to the host of a URL."""
        url = url if isinstance(url, URL) else URL(url)
        if (url.host, url.port) not in self.clients:
            self.clients[url.host, url.port] = BrowserClient.from_url(url, **self.client_args)
        return self.clients[url.host, url.port]


def send_again_as_browsers_do(agent: UserAgent) -> None:
    """Gives a client, which has sent nothing yet, a browser's way with connections."""
    agent.clientpool = BrowserClients(**agent.clientpool.client_args)
