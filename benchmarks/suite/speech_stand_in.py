"""The stand-in for the speech API with a stated latency, its speech made before, and whether it kept the latency."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from benchmarks.errors import BenchmarkError
from benchmarks.suite.bare_upstream import order
from profiles.errors import OomproofError
from profiles.load import Upstream, own_upstream
from profiles.scenario import SpeechUpstream

_SPOKEN_WITHIN_S = 600.0
_DIRECT = build_opener(ProxyHandler({}))


@contextmanager
def speech(log: Path, latency: str) -> Iterator[Upstream]:
    """Starts it with a latency in seconds, `0.5`, or `2-5` for a draw of each answer, and ends it.

    Raises:
        BenchmarkError: it does not start.
    """
    try:
        with own_upstream(log, 1.0, 1, SpeechUpstream(latency=latency)) as upstream:
            yield upstream
    except OomproofError as error:
        raise BenchmarkError(str(error)) from error


def have_spoken(upstream: Upstream, texts: Sequence[str]) -> None:
    """Has it make the speech of these texts now, and draw its latencies from the first again.

    Raises:
        BenchmarkError: it cannot.
    """
    asked = order("")
    body = json.dumps({"voice": asked["voice"], "speed": asked["speed"], "inputs": list(texts)})
    try:
        _DIRECT.open(f"{upstream.root}/prepare", body.encode(), timeout=_SPOKEN_WITHIN_S).close()
    except URLError as error:
        raise BenchmarkError(f"{upstream.root}: the speech could not be made: {error}") from error


def lateness_of(upstream: Upstream) -> str:
    """Returns how many of its answers came more than 50 ms after their latency, in words.

    Raises:
        BenchmarkError: it does not say.
    """
    try:
        counts = upstream.counts()
    except OomproofError as error:
        raise BenchmarkError(str(error)) from error
    return f"{counts['late']:,.0f} of its {counts['requests']:,.0f} answers were more than 50 ms late"
