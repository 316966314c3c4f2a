"""Connections of thousands of readers: what the HTTP client under Locust does to them, put right.

Before a kept connection is used again, geventhttpclient asks ``select`` whether the server has closed it. That
knows no file number from 1024 on and raises; the client takes it for a dead connection, closes it and makes
another. From some 500 readers on, nearly every request would begin with a connection, as those of no browser do.
"""

import select
import socket

from gevent.monkey import get_original  # type: ignore[import-untyped]  # gevent carries no types
from geventhttpclient.connectionpool import ConnectionPool
from locust.contrib.fasthttp import FastHttpSession

READ_BYTES = 64 * 1024
"""Asked for at once; the client's own 4 KiB take a hundred calls for the speech of a block."""

_poll = get_original("select", "poll")  # gevent's own would go through the event loop


def is_idle(connection: socket.socket | None) -> bool:
    """Returns whether a kept connection can be used again: it is open, and nothing has come on it.

    What comes while nothing is asked for is the server's end of it, or what belongs to no request.
    """
    if connection is None or connection.fileno() < 0:
        return False
    poll = _poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def read_in_large_pieces(http: FastHttpSession) -> None:
    """Lets a client that has no connection yet read ``READ_BYTES`` at once."""
    http.client.clientpool.client_args["block_size"] = READ_BYTES


setattr(ConnectionPool, "_is_socket_alive", lambda _, connection: is_idle(connection))  # noqa: B010  # see above
