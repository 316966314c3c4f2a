"""The listening socket, which leaves file descriptors for the server's own files however many connect."""

from __future__ import annotations

import logging
import resource
import socket
import time

_log = logging.getLogger(__name__)

_OWN_SHARE = 4
"""One descriptor in so many is for the docstore's files, calls to the upstream and the pipes of children."""

_TOLD_EVERY_S = 60.0


class Listener(socket.socket):
    """A listening socket that closes at once what would leave the process too few file descriptors.

    Out of descriptors, asyncio 3.11 tries once for each place in the backlog, logs a traceback each time and
    begins again: megabytes of log a second, no file to be opened, and no request answered.
    """

    _told_s = float("-inf")

    def accept(self) -> tuple[socket.socket, object]:
        """Return a connection and where it is from, as a socket does.

        Raises:
            ConnectionAbortedError: there was one too many, which is closed; asyncio listens on.
        """
        client, address = super().accept()
        # The kernel gives the lowest free number: whatever is below this one is in use.
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or client.fileno() < soft - soft // _OWN_SHARE:
            return client, address
        client.close()
        now_s = time.monotonic()
        if now_s - self._told_s >= _TOLD_EVERY_S:
            self._told_s = now_s
            _log.warning("too many connections for the limit of %d open files: new ones are closed", soft)
        raise ConnectionAbortedError


def allow_open_files(wanted: int) -> None:
    """Raise this process's soft limit of open files to `wanted`, as far as the hard limit lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in {soft, hard}:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
