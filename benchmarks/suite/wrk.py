"""wrk: asks for chunks as fast as it is answered, from one thread on one core, and tells what came of it.

It is C, and takes little of the core that it needs for reading: a generator in Python would be the limit of nearly
everything here.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.debian import find_program
from benchmarks.errors import BenchmarkError
from profiles import processes

_ANSWER_WITHIN_S = 30
"""Longer than any server needs with all connections waiting; an answer that takes longer is counted as an error."""

_LOOK_EVERY_S = 0.02
_END_WITHIN_S = 30


@dataclass(frozen=True)
class Load:
    """wrk's program, for how many seconds it asks, and the core that it has."""

    program: str
    seconds: int
    core: int


@dataclass(frozen=True)
class Answers:
    """What wrk was answered.

    Attributes:
        requests: answered whole.
        read_bytes: of answers and parts of answers, heads included.
        duration_s: of asking.
        p50_ms: latency from a request to the end of its answer, that half of the requests do not exceed.
        p99_ms: likewise, that one in a hundred exceeds.
        errors: connections that failed and answers that did not come in time, by kind; without those of none.
    """

    requests: int
    read_bytes: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    errors: Mapping[str, int]


def find_wrk(tell: Callable[[str], None]) -> str:
    """Return wrk's program, installed from Debian first where it is absent and we may.

    Raises:
        BenchmarkError: it cannot be had here.
    """
    return find_program("wrk", "wrk", tell)


def wrk_version(program: str) -> str:
    """Return what wrk calls itself."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False, timeout=10)
    words = (said.stdout + said.stderr).split()
    return words[1] if len(words) > 1 and words[0] == "wrk" else "unknown"


def ask(
    load: Load, url: str, script: Path, *, connections: int, meanwhile: Callable[[], None] = lambda: None
) -> Answers:
    """Ask a server over so many connections, each with one request under way, and return what came.

    Args:
        load: who asks, and for how long.
        url: of the server.
        script: as `wrk_script.write_script` wrote it; wrk's output goes beside it.
        connections: how many.
        meanwhile: called some fifty times a second.

    Raises:
        BenchmarkError: it failed, or the server refused a request: then nothing was measured.
    """
    command = [
        load.program, "--threads", "1", "--connections", str(connections), "--duration", f"{load.seconds}s",
        "--timeout", f"{_ANSWER_WITHIN_S}s", "--script", str(script), url,
    ]  # fmt: skip
    log = script.with_suffix(".out")
    log.unlink(missing_ok=True)
    process = processes.start(command, log, in_child=lambda: os.sched_setaffinity(0, {load.core}))
    deadline = time.monotonic() + load.seconds + _END_WITHIN_S
    try:
        while process.poll() is None and time.monotonic() < deadline:
            meanwhile()
            time.sleep(_LOOK_EVERY_S)
    finally:
        ended = process.poll()
        processes.stop(process)
    if ended != 0:
        how = "did not end" if ended is None else f"ended with {ended}"
        raise BenchmarkError(f"wrk: {how}: {processes.last_line(log)}")
    return read_answers(log.read_text(encoding="utf-8"))


def read_answers(output: str) -> Answers:
    """Read what the script prints at its end.

    Raises:
        BenchmarkError: there is nothing of the kind, nothing was answered, or a request was refused.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    try:
        told: dict[str, int] = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise BenchmarkError(f"wrk: told nothing that can be read: {output.strip()[-200:]!r}") from None
    if told["refused"]:
        raise BenchmarkError(
            f"wrk: {told['refused']} of {told['requests']} requests were refused by the server"
        )
    if not told["requests"]:
        raise BenchmarkError("wrk: no request was answered")
    errors = {kind: told[kind] for kind in ("connect", "read", "write", "timeout") if told[kind]}
    return Answers(
        told["requests"],
        told["bytes"],
        told["duration_us"] / 1e6,
        told["p50_us"] / 1e3,
        told["p99_us"] / 1e3,
        errors,
    )
