"""`python -m reference_server`: the server as one process, configured by its environment.

Exit codes: 0 after SIGINT or SIGTERM; 1 when the application failed before it could listen, which the log
explains; 2 for a setting that cannot be used, such as a port that is taken, with one line on standard error.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from reference_server.errors import ServerError, SettingsError
from reference_server.quiet_end import QuietEnd
from reference_server.settings import Settings

_log = logging.getLogger("reference_server")

_BACKLOG = 2048
_SHUTDOWN_GRACE_S = 4
"""Shorter than the 5 s after which Fly.io kills."""


def main() -> int:
    """Run the server until a signal ends it, and return the exit code."""
    try:
        settings = Settings.from_environ(os.environ)
        with _listen(settings) as listener:
            return _serve(_make_app(settings), listener)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything costly happens."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        place, reason = f"{settings.host}:{settings.port}", error.strerror or str(error)
        raise SettingsError(
            f"HOST, PORT: {place} cannot be used ({reason}). End what uses it, or set PORT to a free one."
        ) from None
    # asyncio sets this only on sockets it made itself; without it Nagle's algorithm and the client's delayed
    # acknowledgement add 40 ms to every answer after the first on a connection. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _make_app(settings: Settings) -> Starlette:
    from reference_server.app import create_app  # noqa: PLC0415 - it costs half a second: the port first

    try:
        return create_app(settings)
    except OSError as error:
        folder, place = settings.docstore_dir, Path(error.filename or settings.docstore_dir)
        reason = error.strerror or str(error)
        if not (place.is_relative_to(folder) or folder.is_relative_to(place)):
            raise SettingsError(f"{place}: cannot be used ({reason}). Let the server read it.") from None
        raise SettingsError(
            f"DOCSTORE_DIR: {str(folder)!r} cannot be used ({reason}). Use another folder."
        ) from None


def _serve(app: Starlette, listener: socket.socket) -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("reference_server", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal again once it has shut down
    host, port = listener.getsockname()[:2]
    _log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    config = uvicorn.Config(
        QuietEnd(app),
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_GRACE_S,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _end(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
