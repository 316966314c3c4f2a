"""What is said of a budget: allowed, measured, when, who held it; nothing where it is kept, to the byte."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from profiles.memory_budget_growth import Growth
from profiles.memory_budget_limits import Limits
from profiles.memory_budget_text import broken_by_growth, broken_by_peak, growth_line, peak_line
from profiles.memory_budget_tree import Held
from profiles.memory_budget_watch import Peak
from profiles.vm_size import MIB

HELD = (Held(12, "gzip -9 big", 90 * MIB), Held(11, "node server.js", 30 * MIB))


def _watch(**changed: Any) -> Any:
    fields: dict[str, Any] = {"sampled_bytes": 120 * MIB, "at_s": 1.25, "held": HELD, **changed}
    peak = Peak(**fields)
    return SimpleNamespace(
        peak=peak, peak_rss_mb=peak.rss_bytes / MIB, pid=11, command="node server.js", samples=40, seconds=2.0
    )


def _growth(value: float, low: float, high: float) -> Growth:
    before = (Held(11, "node server.js", 30 * MIB), Held(12, "gzip", 10 * MIB))
    after = (Held(11, "node server.js", 31 * MIB), Held(13, "gzip", 20 * MIB))
    return Growth(value, low, high, 50, 200, 4.0, before, after)


def test_a_peak_above_the_budget_is_told_with_who_held_it() -> None:
    """GIVEN a megabyte too much THEN what was allowed, measured, when and by whom stands there, the most first."""
    (told,) = broken_by_peak(_watch(), Limits(rss_mb=119))
    assert told.splitlines() == [
        "peak RSS of process 11 (node server.js) and all below it",
        "  allowed   119 MB",
        "  measured  120.0 MB, 1.2 s after the watch began",
        "  held by",
        "    90.0 MB  12 gzip -9 big",
        "    30.0 MB  11 node server.js",
    ]


def test_what_only_the_kernel_saw_is_told_as_that() -> None:
    """GIVEN a mark above all samples THEN it stands beside the highest sample; a mark below is not shown."""
    mark = Held(12, "gzip -9 big", 150 * MIB)
    (told,) = broken_by_peak(_watch(mark=mark), Limits(rss_mb=130))
    assert "  between   150.0 MB in process 12 alone, by the kernel's own mark" in told.splitlines()
    (told,) = broken_by_peak(_watch(mark=HELD[0]), Limits(rss_mb=100))
    assert "between" not in told


@pytest.mark.parametrize(("more_bytes", "broken"), [(0, 0), (1, 1)])
def test_the_last_byte_is_allowed_and_the_next_is_not(more_bytes: int, broken: int) -> None:
    """GIVEN exactly what is allowed THEN it is kept; one byte more is not."""
    assert len(broken_by_peak(_watch(sampled_bytes=120 * MIB + more_bytes), Limits(rss_mb=120))) == broken


def test_children_beyond_the_budget_are_told_with_their_number() -> None:
    """GIVEN three children at once where two are allowed THEN that is said; GIVEN two THEN nothing."""
    (told,) = broken_by_peak(_watch(children=3, children_at_s=0.5), Limits(children=2))
    assert told.splitlines() == [
        "processes below process 11 (node server.js)",
        "  allowed   2",
        "  measured  3 at once, 0.5 s after the watch began",
    ]
    assert broken_by_peak(_watch(children=2), Limits(children=2)) == []


def test_what_is_not_limited_breaks_nothing_and_all_that_is_broken_is_told() -> None:
    """GIVEN no limit of a kind THEN it is not looked at; GIVEN two that are broken THEN both are told."""
    assert broken_by_peak(_watch(children=9), Limits(growth_kib_per_call=0)) == []
    assert broken_by_growth(_watch(), _growth(9, 8, 10), Limits(rss_mb=1)) == []
    assert len(broken_by_peak(_watch(children=9), Limits(rss_mb=1, children=1))) == 2


def test_a_long_list_is_cut_and_says_so() -> None:
    """GIVEN twenty workers THEN eight are listed, and how many more there are."""
    (told,) = broken_by_peak(_watch(held=HELD * 10), Limits(rss_mb=1))
    assert len(told.splitlines()) == 4 + 8 + 1
    assert told.endswith("and 12 more")


def test_growth_that_is_surely_above_is_told_with_who_grew() -> None:
    """GIVEN an interval that lies above the budget THEN it is told, who grew most first, also one that is new."""
    (told,) = broken_by_growth(_watch(), _growth(5, 4.5, 5.25), Limits(growth_kib_per_call=4))
    assert told.splitlines() == [
        "growth of RSS with each call, of process 11 (node server.js) and all below it",
        "  allowed   4 KiB",
        "  measured  5.00 KiB, surely more than 4.50 (95 % interval)",
        "  over      200 calls in 4.0 s, after 50 of warm-up",
        "  grew",
        "   +20.0 MB  13 gzip",
        "    +1.0 MB  11 node server.js",
    ]


@pytest.mark.parametrize(("low", "broken"), [(3.9, 0), (4.0, 0), (4.001, 1)])
def test_growth_breaks_the_budget_only_with_its_whole_interval(low: float, broken: int) -> None:
    """GIVEN a lower end at or below what is allowed THEN nothing is proven, however high the rest."""
    told = broken_by_growth(_watch(), _growth(8, low, 12), Limits(growth_kib_per_call=4))
    assert len(told) == broken


def test_a_line_says_all_figures_of_what_was_kept() -> None:
    """GIVEN a kept budget THEN its figures are there to be read."""
    assert growth_line(_growth(0.5, -0.25, 1)) == (
        "growth 0.50 KiB a call (95 %: -0.25 to 1.00), over 200 calls after 50"
    )
    assert peak_line(_watch(children=1)) == (
        "peak RSS 120.0 MB, at most 1 below it, of process 11 (node server.js): 40 samples in 2.0 s"
    )
