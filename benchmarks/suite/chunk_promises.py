"""What must hold where chunks are served: beside nginx, beside FileResponse, and in memory."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.suite.measured import Effort, Figure, Promise, Ratio
from benchmarks.suite.peers import FILE_RESPONSE, NGINX, OURS

RATE, CPU, RSS = "requests/s", "CPU a request", "RSS at most"
"""Quantities."""

LEAST_OF_NGINX = 0.5
LEAST_OF_FILE_RESPONSE = 5.0
MOST_OF_A_CHUNK = 0.25
"""By how much of the smallest chunk each of the most connections may make RSS grow: then none holds a chunk."""


def rate_promise(ratios: Sequence[Ratio], setting: str, peer: str, least: float, effort: Effort) -> Promise:
    """Return whether ours serves so many times the peer's requests/s, and what that is in CPU.

    The median over the rounds decides. In the short form it does only where all rounds agree.
    """
    text = f"Chunk serving, {setting}: at least {least:g} times the requests/s of {peer}."
    found = {
        one.quantity: one for one in ratios if (one.setting, one.subject, one.peer) == (setting, OURS, peer)
    }
    if RATE not in found:
        return Promise(text, f"{peer} was not measured", None)
    rate, cpu = found[RATE], found[CPU]
    agree = len({value >= least for value in rate.values}) == 1
    measured = f"{_times(rate)} the requests/s; {_times(cpu)} the CPU a request"
    return Promise(text, measured, rate.median >= least if effort.full or agree else None)


def memory_promise(
    figures: Sequence[Figure], connections: int, idle_mb: float, smallest_bytes: int
) -> Promise:
    """Return whether memory stays bounded: the highest RSS in any way and round, beside that before the first.

    `connections` are the most there were.
    """
    most_kb = MOST_OF_A_CHUNK * smallest_bytes / 1e3
    text = f"Chunk serving, {connections} connections: RSS grows by less than {most_kb:g} kB each, a quarter chunk."
    highest_mb = max(max(one.values) for one in figures if (one.subject, one.quantity) == (OURS, RSS))
    grown_kb = (highest_mb - idle_mb) * 1e3 / connections
    measured = f"{grown_kb:.1f} kB a connection: {highest_mb:.1f} MB at most, {idle_mb:.1f} MB before"
    return Promise(text, measured, grown_kb < most_kb)


def promises_of(ratios: Sequence[Ratio], setting: str, effort: Effort) -> tuple[Promise, ...]:
    """Return the promises on requests/s for the setting that they are made for."""
    return (
        rate_promise(ratios, setting, NGINX, LEAST_OF_NGINX, effort),
        rate_promise(ratios, setting, FILE_RESPONSE, LEAST_OF_FILE_RESPONSE, effort),
    )


def _times(ratio: Ratio) -> str:
    low, high = min(ratio.values), max(ratio.values)
    return f"{ratio.median:.2f} times ({low:.2f} to {high:.2f} in {len(ratio.values)} rounds)"
