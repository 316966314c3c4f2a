"""The speech upstream as a process: OpenAI-compatible, audible, without key or network, as slow as is asked.

`python -m loadtests.upstream --pace 5` prints `ready` when it listens. Each answer comes when the
latency drawn for it has passed since the request arrived. A request that could not be answered by then, its
audio having first to be made, is late: `GET /stats` counts it, and `POST /prepare` before the clock starts
avoids it. `--fault` lets some of them go wrong. All of it: docs/reference/upstream.md.
"""

import argparse
import contextlib
import logging
import math
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import uvicorn

from loadtests.faults import FAULTS, Faults, FaultSpec
from loadtests.latency import LatencyRange
from loadtests.speech import SpeechMemo
from loadtests.upstream_app import Upstream, create_app

DEFAULT_PORT = 8880
"""Where the reference server looks for its speech API unless it is told another place."""

IDLE_S = 75
"""How long an idle connection is kept: longer than clients keep theirs (5 s), or a starved one finds it closed
as it asks again, and that would be a fault that nobody ordered."""

_MIB = 1024 * 1024


class UnusablePortError(Exception):
    """The port is taken, out of range, or not allowed; the message is the one line to show."""


class _Server(uvicorn.Server):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        super().__init__(
            uvicorn.Config(
                create_app(upstream),
                loop="asyncio",
                http="httptools",
                ws="none",
                log_level="error",
                access_log=False,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=2,
            )
        )
        # The config has just set this logger up. What `cut` and `drip` break off is meant, and no error.
        logging.getLogger("uvicorn.error").addFilter(_is_not_meant)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Before uvicorn waits for requests to end: those that wait for their latency would hold it up.
        self._upstream.end()
        await super().shutdown(sockets)


def _is_not_meant(record: logging.LogRecord) -> bool:
    return record.msg != "ASGI callable returned without completing response."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0.")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m loadtests.upstream", description="OpenAI-compatible speech on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port to listen on (%(default)s)")
    parser.add_argument("--pace", type=_positive, default=1.0, help="divides every latency (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the latencies drawn (%(default)s)")
    parser.add_argument(
        "--latency",
        type=LatencyRange.parse,
        default=LatencyRange(2.0, 5.0),
        metavar="SHORTEST-LONGEST",
        help="seconds at pace 1, each as likely as the other (2-5)",
    )
    parser.add_argument(
        "--fault",
        type=FaultSpec.parse,
        action="append",
        default=[],
        metavar="KIND[=SHARE][@FROM-TO]",
        help=f"what goes wrong, how often, and in which session seconds; repeatable; {', '.join(FAULTS)}",
    )
    parser.add_argument("--memo-mib", type=_positive, default=512.0, help="audio kept, in MiB (%(default)s)")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # asyncio sets this only on sockets that it made itself, and accepted ones inherit it. Without it Nagle's algorithm
    # and the client's delayed acknowledgement add 40 ms to every latency after a connection's first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise UnusablePortError(
            f"--port {port}: {host} cannot be listened on there: {reason}. Choose another."
        ) from error
    return listener


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, which end it with 0; 2 for a bad option or an unusable port."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        listener = _listen(options.host, options.port)
    except UnusablePortError as error:
        parser.error(str(error))
    # uvicorn raises the signal again once it has shut down, and what that does is ours to say.
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    # Those that hang keep a connection each, and a usual shell allows a thousand: then it would hang for everybody.
    with contextlib.suppress(OSError, ValueError):  # macOS calls its limit endless, and refuses it
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    memo = SpeechMemo(int(options.memo_mib * _MIB))
    faults = Faults(options.fault, options.pace)
    _Server(Upstream(memo, options.latency, faults, options.pace, options.seed)).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
