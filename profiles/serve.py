"""`oomproof serve`: the reference server and a speech API beside it on this machine, to be tried by hand."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from profiles import processes
from profiles.errors import EXIT_OK, OomproofError, RunError, Terminated
from profiles.local_servers import HOST, LocalServer, ending_orphans, started, watch
from profiles.machine import check_linux
from profiles.progress import Progress

DEFAULT_PORT = 8003
DEFAULT_UPSTREAM_PORT = 8880
"""Where both listen when they are started alone (docs/reference/settings.md)."""
LAST_PORT = 65535
EXAMPLES = """examples:
  oomproof serve                                     server on port 8003, its speech upstream on 8880
  oomproof serve --port 0 --upstream-port 0          on free ports
  oomproof serve --docstore /tmp/books
  oomproof serve --api-base http://127.0.0.1:8881/v1 with another speech API (key: API_KEY)
  oomproof serve --latency 0-1 --fault 503=0.1       with a speech upstream that is quick, and fails now and then
  ALIGNERS=1 LOG_REQUESTS=1 oomproof serve           settings of the server come from the environment"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add = parser.add_argument
    add("--port", type=int, help=f"port of the server, 0 for a free one (default: PORT, else {DEFAULT_PORT})")
    add(
        "--upstream-port",
        type=int,
        default=DEFAULT_UPSTREAM_PORT,
        help="port of the speech upstream, 0 for a free one (%(default)s)",
    )
    add("--docstore", type=Path, help="folder of documents and chunks (default: DOCSTORE_DIR, else docstore)")
    add(
        "--api-base",
        metavar="URL",
        help="another OpenAI-compatible speech API, so that no upstream is started (default: API_BASE)",
    )
    add("--latency", metavar="SHORTEST-LONGEST", help="the speech upstream's, in seconds (default 2-5)")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=SHARE][@FROM-TO]",
        help="what goes wrong at the speech upstream, such as 429=0.1; repeatable",
    )


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Serve until a signal ends it: 0 after SIGTERM; Ctrl-C is left to the caller.

    Raises:
        OomproofError: a port or a setting cannot be used. RunError: a part ended by itself. Both: the other
            part was ended, and nothing is left running.
    """
    check_linux()
    settings = _settings(chosen)
    try:
        with _log_folder() as logs, ending_orphans(), contextlib.ExitStack() as running:
            with Progress(console) as progress:
                parts = []
                if "API_BASE" not in settings:
                    parts.append(running.enter_context(_upstream(chosen, logs, progress)))
                    settings = _beside(parts[0].url, settings)
                parts.append(running.enter_context(_server(settings, logs, progress)))
            for line in _told(parts, settings, logs, chosen):
                console.print(line, highlight=False, soft_wrap=True)
            watch(parts)
    except Terminated:
        return EXIT_OK


def _settings(chosen: argparse.Namespace) -> dict[str, str]:
    """Return the server's environment: ours, and what the options and this machine settle."""
    settings = {name: value for name, value in os.environ.items() if name != "API_BASE" or value.strip()}
    port = chosen.port if chosen.port is not None else _port_of(settings.get("PORT", "").strip())
    settings |= {"HOST": HOST, "PORT": str(_free("--port", port))}
    if chosen.docstore is not None:
        settings["DOCSTORE_DIR"] = str(chosen.docstore)
    if chosen.api_base is not None:
        settings["API_BASE"] = chosen.api_base
    if "API_BASE" in settings and (chosen.latency is not None or chosen.fault):
        raise OomproofError(
            f"--latency and --fault: {settings['API_BASE']} has its own; only the project's upstream has these. "
            "Leave them out, or --api-base and API_BASE."
        )
    return settings


def _beside(upstream_url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with our own upstream, which no proxy that is meant for the world stands before."""
    direct = ",".join(filter(None, [HOST, settings.get("no_proxy") or settings.get("NO_PROXY")]))
    return {**settings, "API_BASE": f"{upstream_url}/v1", "no_proxy": direct, "NO_PROXY": direct}


def _port_of(text: str) -> int:
    try:
        return int(text or DEFAULT_PORT)
    except ValueError:
        raise OomproofError(f"PORT: {text!r} is no port. Set a number, or give --port.") from None


def _free(option: str, port: int) -> int:
    """Return the port, or a free one for 0; ask before starting, or who has it would answer in our place."""
    if port == 0:
        return processes.free_port()
    if not 0 < port <= LAST_PORT:
        raise OomproofError(f"{option} {port}: no port. Give one from 1 to {LAST_PORT}, or 0 for a free one.")
    try:
        with socket.create_server((HOST, port)):
            return port
    except OSError as error:  # its own text says the address a second time
        why = os.strerror(error.errno or 0)
        raise OomproofError(
            f"{option} {port}: cannot be used ({why}). Give another, or 0 for a free one."
        ) from None


@contextlib.contextmanager
def _upstream(chosen: argparse.Namespace, logs: Path, progress: Progress) -> Iterator[LocalServer]:
    port = _free("--upstream-port", chosen.upstream_port)
    command = processes.python_module("loadtests.upstream", "--port", port)
    if chosen.latency is not None:
        command.append(f"--latency={chosen.latency}")
    command += [f"--fault={fault}" for fault in chosen.fault]
    log = logs / "upstream.log"
    with started("speech upstream", port, "/health", command, log, os.environ, progress) as part:
        yield part


@contextlib.contextmanager
def _server(settings: Mapping[str, str], logs: Path, progress: Progress) -> Iterator[LocalServer]:
    port, log = int(settings["PORT"]), logs / "server.log"
    command = processes.python_module("reference_server")
    with started("server", port, "/api/health", command, log, settings, progress) as part:
        yield part


def _told(
    parts: Sequence[LocalServer], settings: Mapping[str, str], logs: Path, chosen: argparse.Namespace
) -> Iterator[str]:
    """Yield what a person needs: where everything is, and the first requests to try."""
    url = parts[-1].url
    user = settings.get("BASIC_AUTH_USER", "").strip()
    curl = f"curl -u {shlex.quote(user)}" if user else "curl"
    faults = "".join(f", {fault}" for fault in chosen.fault)
    stand_in = (
        f" (a stand-in: espeak-ng, {chosen.latency or '2-5'} s a block{faults})" if len(parts) > 1 else ""
    )
    yield f"Speech API  {settings['API_BASE']}{stand_in}"
    yield f"Server      {url}"
    yield f"Documents   {Path(settings.get('DOCSTORE_DIR', '').strip() or 'docstore').absolute()}"
    yield f"Logs        {logs} (gone when it ends)"
    yield "Try, with a PDF, EPUB, text or Markdown file of yours:"
    yield f"  {curl} -T book.pdf '{url}/api/documents/book'"
    job = """-H 'accept: text/event-stream' --json '{"documentId": "book", "pages": [1]}'"""
    yield f"  {curl} -N {job} '{url}/api/tts/preprocess'"
    yield f"  {curl} '{url}/api/tts/preprocess/status?documentId=book'"
    yield f"  {curl} -fo block.mp3 '{url}/api/tts/chunk?documentId=book&page=1&blockIndex=0'"
    yield "Ctrl-C ends it."


@contextlib.contextmanager
def _log_folder() -> Iterator[Path]:
    """A folder for the logs, which stays only when a log holds more than the line that is shown."""
    folder, keep = Path(tempfile.mkdtemp(prefix="oomproof-serve-")), False
    try:
        yield folder
    except RunError:
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
