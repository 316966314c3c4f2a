"""Growth with each call, from scripted memory: steady, leaking, stepping, filling, swinging; and what is no measure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from profiles.memory_budget_growth import FEWEST_CALLS, Growth, growth_of
from profiles.memory_budget_tree import Held, Look
from profiles.memory_budget_watch import MeasuredNothingError

KIB, MIB = 1024, 1024 * 1024


class ScriptedWatch:
    """Stands in for a watch: what is held is a function of how many calls were made so far."""

    def __init__(self, held: Callable[[int], int], pids: Callable[[int], set[int]] = lambda _: {1}) -> None:
        self.calls = 0
        self._held = held
        self._pids = pids

    def call(self) -> None:
        """Be called."""
        self.calls += 1

    def sample(self) -> Look:
        """The scripted memory, in the first process."""
        others = tuple(Held(pid, f"worker {pid}", 3 * MIB) for pid in sorted(self._pids(self.calls) - {1}))
        return Look((Held(1, "server", self._held(self.calls)), *others), None)


def _growth(watch: ScriptedWatch, times: int = 200, warmup: int = 50) -> Growth:
    return growth_of(watch, watch.call, times, warmup)  # type: ignore[arg-type]  # a stand-in


def test_a_leak_has_its_slope_and_no_doubt() -> None:
    """GIVEN 5 KiB with each call THEN that is the growth, and all calls were made, the warm-up's too."""
    watch = ScriptedWatch(lambda calls: 20 * MIB + 5 * KIB * calls)
    growth = _growth(watch)
    assert (growth.kib_per_call, growth.low_kib, growth.high_kib) == (5.0, 5.0, 5.0)
    assert (growth.times, growth.warmup, watch.calls) == (200, 50, 250)
    assert growth.before[0].rss_bytes == 20 * MIB + 250 * KIB
    assert growth.after[0].rss_bytes == 20 * MIB + 1250 * KIB


def test_what_the_warm_up_took_is_no_growth() -> None:
    """GIVEN memory that rises over the first 50 calls THEN the calls after them show none."""
    growth = _growth(ScriptedWatch(lambda calls: 20 * MIB + min(calls, 50) * 100 * KIB))
    assert (growth.kib_per_call, growth.low_kib, growth.high_kib) == (0.0, 0.0, 0.0)


def test_one_step_of_an_allocator_is_no_growth() -> None:
    """GIVEN a megabyte taken at once, anywhere THEN the interval reaches down to none."""

    def stepped(at: int) -> ScriptedWatch:
        return ScriptedWatch(lambda calls: 20 * MIB + (MIB if calls > at else 0))

    assert all(_growth(stepped(at)).low_kib <= 0 for at in range(55, 250, 5))


def test_a_cache_that_fills_while_calls_are_counted_is_no_proven_growth() -> None:
    """GIVEN a rise that ends half-way THEN the interval reaches down to none."""
    growth = _growth(ScriptedWatch(lambda calls: 20 * MIB + min(calls, 150) * 20 * KIB))
    assert growth.low_kib <= 0


def test_a_leak_shows_through_noise() -> None:
    """GIVEN swings of 400 KiB and a leak of 8 KiB a call THEN the interval holds the leak, and not zero."""
    noise = random.Random(1)
    growth = _growth(ScriptedWatch(lambda calls: 20 * MIB + 8 * KIB * calls + noise.randrange(400 * KIB)))
    assert 0 < growth.low_kib <= 8 <= growth.high_kib


def test_children_that_leak_count() -> None:
    """GIVEN a steady server that leaves a child of 3 MB behind at each tenth call THEN that is its growth."""
    growth = _growth(ScriptedWatch(lambda _: 20 * MIB, lambda calls: {1, *range(1000, 1000 + calls // 10)}))
    assert growth.kib_per_call == pytest.approx(3 * MIB / KIB / 10, rel=0.1)
    assert len(growth.after) == 26


@pytest.mark.parametrize(("times", "warmup"), [(FEWEST_CALLS - 1, 50), (200, -1), (0, 0)])
def test_too_few_calls_measure_nothing(times: int, warmup: int) -> None:
    """GIVEN fewer calls than a slope needs THEN none is made, and the message says how many it needs."""
    watch = ScriptedWatch(lambda _: MIB)
    with pytest.raises(
        MeasuredNothingError, match=rf"^times={times}, warmup={warmup}: .* {FEWEST_CALLS} calls"
    ):
        _growth(watch, times, warmup)
    assert watch.calls == 0


def test_as_few_calls_as_a_slope_needs_are_enough() -> None:
    """GIVEN exactly so many and no warm-up THEN there is a growth."""
    watch = ScriptedWatch(lambda calls: 2 * KIB * calls)
    assert _growth(watch, FEWEST_CALLS, 0).kib_per_call == 2.0


def test_a_worker_that_ends_takes_the_growth_along() -> None:
    """GIVEN one that was there from the start and ends THEN nothing is told, and the message names it and its MB."""
    watch = ScriptedWatch(lambda calls: 20 * MIB, lambda calls: {1, 2} if calls < 140 else {1, 3})
    with pytest.raises(
        MeasuredNothingError, match=r"^The process 2 \(worker 2\) ended .* took 3\.0 MB along"
    ):
        _growth(watch)


def test_a_passing_child_may_end() -> None:
    """GIVEN children that come and go with single calls THEN growth is told all the same."""
    watch = ScriptedWatch(lambda calls: 20 * MIB, lambda calls: {1, 1000 + calls} if calls else {1})
    assert _growth(watch).kib_per_call == 0.0


def test_a_call_that_nobody_awaits_measures_nothing() -> None:
    """GIVEN a coroutine, or what else is to be awaited THEN nothing was done, and it is said what to give instead."""

    async def call() -> None:
        """Do nothing, as nobody awaits it."""

    class Later:
        def __await__(self) -> Iterator[None]:
            yield

    for gives_later in (call, Later):
        watch: Any = ScriptedWatch(lambda _: MIB)
        with pytest.raises(MeasuredNothingError, match=r"nobody awaits it.*asyncio\.run"):
            growth_of(watch, gives_later, 48, 0)


def test_a_watch_that_loses_its_process_ends_the_calls() -> None:
    """GIVEN a process that is gone at the tenth call THEN no other is made."""
    watch = ScriptedWatch(lambda _: MIB)

    def sample() -> Look:
        if watch.calls == 10:
            raise MeasuredNothingError("gone")
        return Look((Held(1, "server", MIB),), None)

    watch.sample = sample  # type: ignore[method-assign]  # for this test
    with pytest.raises(MeasuredNothingError, match=r"^gone$"):
        _growth(watch, 48, 0)
    assert watch.calls == 10
