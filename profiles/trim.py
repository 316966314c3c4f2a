"""A trim at a run's end: the target is made to give back what its allocator keeps, so that a leak can be told from it.

By a call of `malloc_trim` in it (`profiles.malloc_trim`), or by a path of the target's that does the like. It comes
after everything else was measured, and its failure is told and breaks nothing.
"""

from __future__ import annotations

import http.client
import subprocess
import time
from collections.abc import Callable

from profiles import processes
from profiles.errors import OomproofError
from profiles.event_log import EventLog
from profiles.target import Server
from profiles.target_command import check_path

CALL = "malloc_trim"
QUIET_S = 3.0
"""Between the load and the trim: what is still at work ends, and gives back by itself what it held."""
TRIMMED_WITHIN_S = 60.0
"""For all processes together."""
ONE_WITHIN_S = 45.0
"""Longer than the call gives itself, so that it can put things back as they were."""
SETTLED_S = 1.5
"""Memory that stays within `SETTLED_SHARE` for so long has settled; it is longer than what a level is taken of."""
SETTLED_SHARE = 0.01
SETTLED_WITHIN_S = 8.0
LOOK_S = 0.1


def check_trim(how: str | None) -> str | None:
    """Return the way of trimming, and refuse before anything starts one that there is not.

    Raises:
        OomproofError: it is neither `malloc_trim` nor a path.
    """
    if how in (None, CALL):
        return how
    try:
        return check_path(how)
    except ValueError:
        raise OomproofError(
            f"--trim {how!r}: no such way. Use {CALL}, or a path of the server's such as /trim."
        ) from None


def offer_trim(server: Server, how: str | None, events: EventLog, tell: Callable[[str], None]) -> None:
    """Have the target trim its memory after a quiet time, wait until it has settled, and record how it went."""
    if how is None:
        return
    tell("quiet before the trim")
    time.sleep(QUIET_S)
    asked_t = time.monotonic()
    tell(f"trimming by {how}")
    if server.ended() is not None:
        ok, reason = False, "the server had ended"
    elif how == CALL:
        ok, reason = _by_call(server)
    else:
        ok, reason = _by_path(server, how)
    _await_settled(server)
    events.write("trimmed", how=how, ok=ok, reason=reason, asked_t=round(asked_t, 4))
    server.vm.checkpoint("trimmed")


def trim_process(pid: int, within_s: float = ONE_WITHIN_S) -> str | None:
    """Call `malloc_trim` in a process; return what went wrong, None when nothing did."""
    command = processes.python_module("profiles.malloc_trim", pid)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done within {within_s:.0f} s"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return None if done.returncode == 0 else (said[-1] if said else f"status {done.returncode}")


def _by_call(server: Server) -> tuple[bool, str]:
    """Trim all of the VM's processes, the server first: a command may be a shell that started it."""
    deadline = time.monotonic() + TRIMMED_WITHIN_S
    first = server.process.pid if server.process else 0
    failed, trimmed = [], 0
    for pid in sorted(server.vm.walls.pids(), key=lambda pid: pid != first):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            failed.append(f"{pid}: no time was left")
        elif (wrong := trim_process(pid, min(left_s, ONE_WITHIN_S))) is None:
            trimmed += 1
        else:
            failed.append(f"{pid}: {wrong}")
    return trimmed > 0, "; ".join(failed)


def _by_path(server: Server, path: str) -> tuple[bool, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ONE_WITHIN_S)
    try:
        connection.request("POST", path, b"", {"Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, f"POST {path}: {error or 'no answer'}"
    finally:
        connection.close()
    return 200 <= status < 300, "" if 200 <= status < 300 else f"POST {path}: status {status}"


def _await_settled(server: Server) -> None:
    deadline = time.monotonic() + SETTLED_WITHIN_S
    since, lowest, highest = time.monotonic(), float("inf"), 0.0
    while (now := time.monotonic()) < deadline and now - since < SETTLED_S:
        reading = server.vm.walls.read()
        held = float(reading.anon_bytes or reading.vm_bytes or 0)
        lowest, highest = min(lowest, held), max(highest, held)
        if highest - lowest > SETTLED_SHARE * highest:
            since, lowest, highest = now, held, held
        time.sleep(LOOK_S)
