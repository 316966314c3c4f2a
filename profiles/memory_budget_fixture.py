"""What a marked test is given: `watch` and `repeat`, which measure, and hold it against the mark."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType

import pytest

from profiles.memory_budget import MARK
from profiles.memory_budget_growth import Growth, growth_of
from profiles.memory_budget_limits import EXAMPLE, Limits, limits_of
from profiles.memory_budget_text import broken_by_growth, broken_by_peak, growth_line, peak_line
from profiles.memory_budget_watch import MeasuredNothingError, Watch

NOT_KEPT = "memory budget not kept"
NOTHING = "memory budget: nothing was measured"
GIVEN = pytest.StashKey["MemoryBudget"]()


class MemoryBudget:
    """Measures memory in one test, and lets it fail where its budget is not kept.

    Attributes:
        limits: what the mark allows.
        measured: the names of the limits that were held against something.
    """

    def __init__(self, item: pytest.Item, limits: Limits) -> None:
        self.limits = limits
        self.measured: set[str] = set()
        self._item = item
        self._open: list[Watch] = []

    def watch(self, pid: int) -> OpenWatch:
        """Watch a process and all below it while the context is open; at its end the peak is held against the mark.

        The context gives a `Watch`, whose `peak_rss_mb` can be read at any time. A process that is gone by the end, or
        a watch that is too short, fails: nothing was measured then.
        """
        return OpenWatch(self, pid)

    def repeat(
        self, call: Callable[[], object], *, times: int = 200, warmup: int = 50, pid: int | None = None
    ) -> Growth:
        """Make a call again and again, and hold the growth with each call, and the peak, against the mark.

        Args:
            call: what is called, one call after the other. What it returns is let go.
            times: how many calls are counted, 48 or more.
            warmup: how many are made before these, and not counted.
            pid: the process whose growth it is, with all below it; that of the watch opened last unless given, else
                the process of the test itself.
        """
        __tracebackhide__ = True
        watch = self._watch_of(pid)
        if watch is None:
            with OpenWatch(self, os.getpid() if pid is None else pid) as watch:
                return self._repeat(watch, call, times, warmup)
        return self._repeat(watch, call, times, warmup)

    def unmeasured(self) -> list[str]:
        """Return the limits that were held against nothing so far."""
        return [f"{name}={value:g}" for name, value in self.limits.given.items() if name not in self.measured]

    def opened(self, watch: Watch) -> None:
        """Note a watch that is open."""
        self._open.append(watch)

    def ended(self, watch: Watch) -> None:
        """Note its peak, and fail where it is not within the budget."""
        __tracebackhide__ = True
        self.measured |= {"rss_mb", "children"}
        self._tell(peak_line(watch), peak_rss_mb=watch.peak_rss_mb)
        _hold(broken_by_peak(watch, self.limits))

    def closed(self, watch: Watch) -> None:
        """Note that it is open no more."""
        self._open.remove(watch)

    def _watch_of(self, pid: int | None) -> Watch | None:
        return next((watch for watch in reversed(self._open) if pid in (None, watch.pid)), None)

    def _repeat(self, watch: Watch, call: Callable[[], object], times: int, warmup: int) -> Growth:
        __tracebackhide__ = True
        try:
            growth = growth_of(watch, call, times, warmup)
        except MeasuredNothingError as error:
            raise pytest.fail.Exception(f"{NOTHING}. {error}") from None
        self.measured.add("growth_kib_per_call")
        self._tell(growth_line(growth), growth_kib_per_call=growth.kib_per_call)
        _hold(broken_by_growth(watch, growth, self.limits))
        return growth

    def _tell(self, line: str, **figures: float) -> None:
        """Put it into the test's report (shown with -rA), and the figures into what JUnit's XML holds of it."""
        self._item.add_report_section("call", MARK.replace("_", " "), line)
        self._item.user_properties.extend(
            (f"{MARK}_{name}", round(value, 3)) for name, value in figures.items()
        )


class OpenWatch:
    """The context of `MemoryBudget.watch`."""

    def __init__(self, budget: MemoryBudget, pid: int) -> None:
        self._budget = budget
        self._pid = pid

    def __enter__(self) -> Watch:
        __tracebackhide__ = True
        try:
            self._watch = Watch(self._pid)
            self._watch.begin()
        except MeasuredNothingError as error:
            raise pytest.fail.Exception(f"{NOTHING}. {error}") from None
        self._budget.opened(self._watch)
        return self._watch

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self._budget.closed(self._watch)
        if error is not None:
            error.add_note(f"memory budget: {self._watch.broken_off()}")
            return
        try:
            self._watch.end()
        except MeasuredNothingError as lost:
            raise pytest.fail.Exception(f"{NOTHING}. {lost}") from None
        self._budget.ended(self._watch)


def budget_of(item: pytest.Item) -> MemoryBudget:
    """Give the budget that a test is marked with; fail where there is none."""
    item.stash[GIVEN] = budget = MemoryBudget(item, marked_limits(item))
    return budget


def marked_limits(item: pytest.Item) -> Limits:
    """Return the limits of a test's own mark, else of its class, else of its module; fail where it cannot be used."""
    __tracebackhide__ = True
    mark = item.get_closest_marker(MARK)
    if mark is None:
        pytest.fail(f"{item.name} has no memory budget. Mark it, such as {EXAMPLE}", pytrace=False)
    try:
        return limits_of(mark.args, mark.kwargs)
    except ValueError as error:
        raise pytest.fail.Exception(f"the memory budget of {item.name}: {error}", pytrace=False) from None


def _hold(broken: list[str]) -> None:
    __tracebackhide__ = True
    if broken:
        pytest.fail("\n".join(f"{NOT_KEPT}: {text}" for text in broken))
