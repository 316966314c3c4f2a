"""A look at the machine: the kernel's ticks, and fixed work on a core."""

from __future__ import annotations

import os

import pytest

from benchmarks.suite.idle import (
    PIECES,
    CoreWork,
    Ticks,
    _at_once,
    busiest,
    others_share,
    read_ticks,
    stolen,
    ticks_now,
)

STAT = """cpu  300 10 60 800 20 5 6 7 0 0
cpu0 100 10 20 400 20 5 6 7 0 0
cpu1 200 0 40 400 0 0 0 0 0 0
cpu11 1 1 1 1 1 1 1 1 0 0
intr 1 2 3
"""


def test_ticks_are_read_of_the_cores_that_are_asked_for() -> None:
    """GIVEN /proc/stat THEN busy is all but idle, waiting for a disk and stolen, and core 1 is not core 11."""
    assert read_ticks(STAT, (0, 1)) == {0: Ticks(141, 7, 420), 1: Ticks(240, 0, 400)}


def test_the_busiest_core_counts() -> None:
    """GIVEN one core that was busy for a quarter of the time and one that was idle THEN it is a quarter."""
    before = {0: Ticks(100, 0, 100), 1: Ticks(0, 0, 0)}
    after = {0: Ticks(125, 0, 175), 1: Ticks(0, 0, 100)}
    assert busiest(before, after) == pytest.approx(0.25)


def test_stolen_is_of_the_time_in_which_cores_wanted_to_work() -> None:
    """GIVEN 90 ticks of work, 10 that the host took and any that were idle THEN a tenth was stolen."""
    before = {0: Ticks(0, 0, 0), 1: Ticks(0, 0, 0)}
    assert stolen(before, {0: Ticks(50, 10, 40), 1: Ticks(40, 0, 60)}) == pytest.approx(0.1)


def test_no_time_is_no_share() -> None:
    """GIVEN two readings of the same tick THEN nothing was busy and nothing stolen."""
    same = {0: Ticks(5, 5, 5)}
    assert (busiest(same, same), stolen(same, same)) == (0.0, 0.0)


def test_the_spread_is_that_of_the_slowest_tenth() -> None:
    """GIVEN forty equal pieces THEN there is none; one slow piece in forty is no tenth, five are."""
    assert CoreWork(0, (5.0,) * 40).spread == 0
    assert CoreWork(0, (5.0,) * 39 + (50.0,)).spread == 0
    assert CoreWork(0, (5.0,) * 35 + (10.0,) * 5).spread == pytest.approx(1.0)


def test_this_machines_ticks_go_on() -> None:
    """GIVEN this machine THEN its cores have ticks, and a share lies between nothing and all."""
    assert set(ticks_now()) == os.sched_getaffinity(0)
    assert 0 <= others_share(0.02) <= 1


def test_work_is_done_on_each_core_and_leaves_ours_alone() -> None:
    """GIVEN the cores that we may use WHEN they work at once THEN each did all pieces, and we may use them still."""
    ours = os.sched_getaffinity(0)
    work = _at_once(sorted(ours)[:2])
    assert [len(core.pieces_ms) for core in work] == [PIECES] * len(work)
    assert all(ms > 0 for core in work for ms in core.pieces_ms)
    assert os.sched_getaffinity(0) == ours
