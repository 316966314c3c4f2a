"""The axis of time, over clocks that are set and machines that are started again."""

from __future__ import annotations

import pytest

from profiles.soak import moments
from profiles.soak.moments import Anchor, Axis, Moment, boot_id
from tests.profiles.soak.scripted import ScriptedClock


def test_it_begins_at_zero_and_goes_by_the_monotonic_clock() -> None:
    """GIVEN a first start THEN zero; WHEN the wall clock is set THEN nothing moves, and the jump is told once."""
    clock = ScriptedClock()
    axis = Axis(clock)
    assert axis.now().t == 0
    clock.pass_s(10)
    clock.wall_s -= 3600
    assert axis.now().t == 10
    assert (axis.jumped_s(), axis.jumped_s()) == (-3600, 0)


def test_a_machine_that_slept_has_not_set_its_clock() -> None:
    """GIVEN a sleep of an hour THEN the axis goes on by it, told once, and no jump; what was then has its place."""
    clock = ScriptedClock()
    axis = Axis(clock)
    clock.pass_s(10)
    clock.lid_closed_s(3600)
    assert (axis.slept_s(), axis.slept_s(), axis.jumped_s()) == (3600, 0, 0)
    now = axis.now()
    assert (now.t, now.of_wall(clock.wall_s - 1800)) == (3610, 1810)
    clock.lid_closed_s(2)
    assert axis.slept_s() == 0


def test_a_sleep_between_two_starts_counts() -> None:
    """GIVEN a soak that goes on after its machine slept THEN the time of the sleep has passed."""
    clock = ScriptedClock()
    anchor = Axis(clock).anchor()
    clock.pass_s(10)
    clock.lid_closed_s(100)
    assert Axis(clock, anchor).now().t == 110


@pytest.mark.parametrize(("by_s", "told_s"), [(2.0, 0.0), (-2.0, 0.0), (2.5, 2.5)])
def test_a_small_step_is_no_jump(by_s: float, told_s: float) -> None:
    """GIVEN a wall clock that is moved by so much THEN it is told above 2 s."""
    clock = ScriptedClock()
    axis = Axis(clock)
    clock.wall_s += by_s
    assert axis.jumped_s() == told_s


def test_on_the_same_start_of_the_machine_it_goes_on_by_the_monotonic_clock() -> None:
    """GIVEN a wall clock that was set meanwhile THEN what passed is what the monotonic clock says."""
    anchor = Anchor(100.0, 1_800_000_000.0, 5000.0, boot_id())
    axis = Axis(ScriptedClock(wall_s=1_700_000_000.0, monotonic_s=5030.0), anchor)
    assert (axis.now().t, axis.went_back_s) == (130.0, 0.0)


def test_after_another_start_of_the_machine_the_wall_clock_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN another boot THEN the wall clock's seconds, and where it went back, none."""
    monkeypatch.setattr(moments, "boot_id", lambda: "another")
    anchor = Anchor(100.0, 1_800_000_000.0, 5000.0, "one")
    assert Axis(ScriptedClock(1_800_000_060.0, 3.0), anchor).now().t == 160.0
    back = Axis(ScriptedClock(1_799_999_990.0, 3.0), anchor)
    assert (back.now().t, back.went_back_s) == (100.0, 10.0)


def test_it_never_stands_before_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a sample after the last moment noted, and a clock that went back THEN it goes on behind the sample."""
    monkeypatch.setattr(moments, "boot_id", lambda: "another")
    anchor = Anchor(100.0, 1_800_000_000.0, 5000.0, "one")
    assert Axis(ScriptedClock(1_799_999_990.0, 3.0), anchor, not_before_t=112.0).now().t == 112.0


def test_a_time_of_another_clock_has_its_place() -> None:
    """GIVEN a clock 90 s ahead THEN what it timed a minute ago was a minute ago."""
    now = Moment(500.0, 1_800_000_000.0)
    assert now.of_wall(1_800_000_000.0 + 90 - 60, 90) == 440.0
