"""Child processes: how they start, how they are ended whatever happens, and how their end is told."""

import asyncio
import os
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Sequence

from reference_server.settings import SECRET_VARIABLES

_LONGEST_LINE_BYTES = 1024 * 1024


async def start(command: Sequence[str], *, stdin: int, stderr: int | None) -> Process:
    """Start a child process whose output is read; raises OSError when memory or process numbers are short.

    It has a session of its own: Ctrl-C in the terminal is for the server, which then ends its children. It
    gets the server's environment without the secrets: what reads a hostile file has no use for them.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        limit=_LONGEST_LINE_BYTES,
        start_new_session=True,
        env=environment,
    )


async def end(child: Process) -> None:
    """Kill a child that still runs, and return when it is gone, however often the caller is cancelled.

    When the server ends, whoever waits is cancelled twice: by uvicorn, and by the end of the event loop.
    """
    cancelled = False
    if child.returncode is None:
        child.kill()
    while child.returncode is None:
        try:
            await child.wait()
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def how_it_ended(name: str, return_code: int, stderr: bytes = b"") -> str:
    """Say in one line how a child process ended badly."""
    if return_code < 0:
        by = signal.Signals(-return_code).name
        return f"the {name} was killed by {by}" + (", as the kernel does out of memory" * (by == "SIGKILL"))
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f"the {name} ended with exit code {return_code}" + (f": {lines[-1]}" if lines else "")
