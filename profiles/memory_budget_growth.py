"""By how much a process and all below it grow with each call: the slope after the warm-up, with its interval."""

from __future__ import annotations

import inspect
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from profiles.growth_rules import FEWEST_SAMPLES
from profiles.growth_slope import block_medians, slope_of
from profiles.memory_budget_tree import Held, Look
from profiles.memory_budget_watch import MeasuredNothingError, Watch

KIB = 1024
FEWEST_CALLS = FEWEST_SAMPLES
"""Two for each of the slope's blocks: a block of one call takes nothing out."""


@dataclass(frozen=True)
class Growth:
    """What the calls after the warm-up say.

    Attributes:
        kib_per_call: the growth of a process and all below it with each call, in KiB.
        low_kib: the lower end of its 95 % interval.
        high_kib: the upper end.
        warmup: how many calls were not counted, at the beginning.
        times: how many were.
        seconds: how long these took.
        before: what each process held when counting began.
        after: what each held at the end.
    """

    kib_per_call: float
    low_kib: float
    high_kib: float
    warmup: int
    times: int
    seconds: float
    before: tuple[Held, ...]
    after: tuple[Held, ...]


def growth_of(watch: Watch, call: Callable[[], object], times: int, warmup: int) -> Growth:
    """Make the calls, one after the other, and return the growth over those after the warm-up.

    Raises:
        MeasuredNothingError: nothing can be told of these calls; the message says why.
    """
    if times < FEWEST_CALLS or warmup < 0:
        raise MeasuredNothingError(
            f"times={times}, warmup={warmup}: a slope needs {FEWEST_CALLS} calls after the warm-up, or more."
        )
    first = watch.sample()
    for _ in range(warmup):
        _make(call)
    before = after = watch.sample()
    held_bytes = array(
        "q", bytes(8 * times)
    )  # filled in place: it must not grow where it is the test that is measured
    began_s = time.monotonic()
    for at in range(times):
        _make(call)
        after = watch.sample()
        held_bytes[at] = after.rss_bytes
    seconds = time.monotonic() - began_s
    _all_there(first, before, after)
    slope = slope_of(block_medians([(float(at), float(held)) for at, held in enumerate(held_bytes)]))
    assert slope is not None  # no two calls are the same one
    ends = (slope.value / KIB, slope.low / KIB, slope.high / KIB)
    return Growth(*ends, warmup, times, seconds, before.held, after.held)


def _make(call: Callable[[], object]) -> None:
    answer = call()
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise MeasuredNothingError(
            "The call gave something to be awaited, and nobody awaits it here. Give a function that waits, "
            "such as lambda: asyncio.run(call())."
        )


def _all_there(first: Look, before: Look, after: Look) -> None:
    """Refuse to tell growth where a process that is no passing one has ended, and taken its memory along."""
    left = {process.pid for process in after.held}
    lasting = {process.pid for process in first.held}
    for process in before.held:
        if process.pid in lasting and process.pid not in left:
            raise MeasuredNothingError(
                f"The process {process.pid} ({process.command}) ended while calls were counted, and took "
                f"{process.rss_bytes / KIB / KIB:.1f} MB along, so growth cannot be told. Have it stay, or watch a "
                "process that does."
            )
