"""`python -m reference_server`: the server as one process, configured by its environment.

Exit codes: 0 after SIGINT or SIGTERM; 1 when the application failed before it could listen, which the log
explains; 2 for a setting that cannot be used, such as a port that is taken, with one line on standard error.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import uvicorn
from starlette.applications import Starlette

from reference_server.errors import ServerError, SettingsError
from reference_server.http_protocol import bounded_protocol
from reference_server.listener import Listener, allow_open_files
from reference_server.logs import configure_logs
from reference_server.settings import Settings

_log = logging.getLogger("reference_server")

_BACKLOG = 2048
_FILES_PER_REQUEST = 4
"""Its connection, its call to the upstream, a file, and one to spare; the usual soft limit is 1024 for all."""

_SHUTDOWN_GRACE_S = 4
"""Shorter than the 5 s after which Fly.io kills."""


def main() -> int:
    """Run the server until a signal ends it, and return the exit code."""
    try:
        settings = Settings.from_environ(os.environ)
        with contextlib.ExitStack() as stack:
            ports = [("PORT", settings.port), ("METRICS_PORT", settings.metrics_port)]
            listeners = [
                stack.enter_context(_listen(settings.host, port, name))
                for name, port in ports
                if name == "PORT" or port
            ]
            stack.enter_context(_claim(settings.docstore_dir))
            configure_logs(settings.log_format)
            allow_open_files(_FILES_PER_REQUEST * settings.max_requests)
            return _serve(_make_app(settings), settings, listeners)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _listen(host: str, port: int, name: str) -> Listener:
    """Take a port, which the setting `name` gives, before anything costly happens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        plain = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server puts the address into strerror a second time; what getaddrinfo says has no errno name
        known = error.errno in errno.errorcode
        place, reason = (
            f"{host}:{port}",
            os.strerror(error.errno or 0) if known else error.strerror or str(error),
        )
        raise SettingsError(
            f"HOST, {name}: {place} cannot be used ({reason}). End what uses it, or set {name} to a free one."
        ) from None
    listener = Listener(fileno=plain.detach())
    # asyncio sets this only on sockets it made itself; without it Nagle's algorithm and the client's delayed
    # acknowledgement add 40 ms to every answer after the first on a connection. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _claim(docstore: Path) -> BinaryIO:
    """Take the docstore for this process: a second server would sweep away what the first is writing.

    The kernel lets it go with the process, however that ends.
    """
    try:
        docstore.mkdir(parents=True, exist_ok=True)
        lock = (docstore / ".lock").open("ab")
    except OSError as error:
        raise _unusable(docstore, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SettingsError(
            f"DOCSTORE_DIR: {str(docstore)!r} is in use by another server. End it, or use another folder."
        ) from None
    except OSError as error:
        lock.close()
        raise _unusable(docstore, error) from None
    return lock


def _make_app(settings: Settings) -> Starlette:
    from reference_server.app import create_app  # noqa: PLC0415 - it costs half a second: the port first

    try:
        return create_app(settings)
    except OSError as error:
        folder, place = settings.docstore_dir, Path(error.filename or settings.docstore_dir)
        reason = error.strerror or str(error)
        if not (place.is_relative_to(folder) or folder.is_relative_to(place)):
            raise SettingsError(f"{place}: cannot be used ({reason}). Let the server read it.") from None
        raise _unusable(folder, error) from None


def _unusable(docstore: Path, error: OSError) -> SettingsError:
    reason = error.strerror or str(error)
    return SettingsError(f"DOCSTORE_DIR: {str(docstore)!r} cannot be used ({reason}). Use another folder.")


def _serve(app: Starlette, settings: Settings, listeners: Sequence[socket.socket]) -> int:
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal again once it has shut down
    host, port = listeners[0].getsockname()[:2]
    _log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=bounded_protocol(settings.header_timeout_s),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing asks who the client is
        timeout_graceful_shutdown=_SHUTDOWN_GRACE_S,
    )
    server = uvicorn.Server(config)
    server.run(sockets=list(listeners))
    return 0 if server.started else 1


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
