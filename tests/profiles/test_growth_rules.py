"""One series of memory, told: leak, plateau, flat, or unknown."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.growth_rules import Growth, Sample, judge_series
from profiles.vm_size import MIB

LIMIT = 4096.0 * MIB
RUN_S = 600.0
Course = Callable[[float], float]
"""MB above 100 by the share of the run that is over."""


def series(
    course: Course, run_s: float = RUN_S, noise_mb: float = 0.2, sessions: float = 300.0
) -> list[Sample]:
    """A made-up run of 600 samples on this course."""
    drawn = random.Random(1)
    shares = [i / 599 for i in range(600)]
    return [(s * run_s, s * sessions, (100 + course(s) + drawn.gauss(0, noise_mb)) * MIB) for s in shares]


def rising(mb: float) -> Course:
    """Steady growth by so much over the run."""
    return lambda share: mb * share


def told(course: Course, **conditions: float) -> Growth:
    """What is said of a course."""
    return judge_series(series(course, **conditions), LIMIT)


def test_steady_growth_is_a_leak_with_its_slope() -> None:
    """GIVEN 60 MB more over 300 sessions in ten minutes THEN it is a leak of 0.2 MB a session, 360 MB an hour."""
    growth = told(lambda share: 60 * share)
    assert growth.word == "leak"
    assert growth.per_served is not None
    assert growth.per_hour is not None
    assert growth.per_served.value / MIB == pytest.approx(0.2, rel=0.02)
    assert growth.per_hour.value / MIB == pytest.approx(360, rel=0.02)
    assert growth.per_served.low / MIB <= 0.2 <= growth.per_served.high / MIB
    assert growth.level_bytes is not None
    assert growth.level_bytes / MIB == pytest.approx(159, abs=2)


@pytest.mark.parametrize(
    ("name", "course", "word"),
    [
        ("steady", lambda share: 0.0, "flat"),
        ("warm-up only", lambda share: 40 * min(1.0, share / 0.15), "flat"),
        ("filled by 40 %", lambda share: 40 * min(1.0, share / 0.4), "plateau"),
        ("one step late", lambda share: 20.0 if share > 0.7 else 0.0, "plateau"),
        ("falling", lambda share: -40 * share, "flat"),
        ("slowing", lambda share: 60 * share**0.25, "unknown"),
        ("begins at the end", lambda share: 300 * max(0.0, share - 0.78), "unknown"),
        ("faster and faster", lambda share: 60 * share**2, "leak"),
        ("less than matters", lambda share: 5 * share, "flat"),
    ],
)
def test_a_course_has_its_word(name: str, course: Course, word: str) -> None:
    """GIVEN a course of memory whose nature is known THEN it is told."""
    growth = told(course)
    assert growth.word == word, f"{name}: {growth.reason}"


def test_swings_in_which_growth_could_hide_are_unknown() -> None:
    """GIVEN a level that swings by as much as it is THEN flat is not claimed."""
    growth = told(lambda share: 0.0, noise_mb=90.0)
    assert (growth.word, "could hide" in growth.reason) == ("unknown", True)


def test_less_than_a_megabyte_is_an_allocators_step() -> None:
    """GIVEN a short run of a small VM THEN 1.2 MB over its last half matter, and 0.8 MB do not."""
    words = [judge_series(series(rising(2 * mb), run_s=60.0, noise_mb=0.01), None).word for mb in (1.2, 0.8)]
    assert words == ["leak", "flat"]


def test_growth_below_one_percent_of_the_limit_an_hour_does_not_matter() -> None:
    """GIVEN 45 and 38 MB an hour over an hour, of 4 GB THEN the one is a leak, and the other not."""
    words = [judge_series(series(rising(mb), run_s=3600.0), LIMIT).word for mb in (45, 38)]
    assert words == ["leak", "plateau"]


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([], "less than 8 s"),
        ([(0.0, 0.0, 1.0)], "less than 8 s"),
        (series(lambda share: 60 * share, run_s=7.9), "less than 8 s"),
        (series(lambda share: 60 * share)[::20], "fewer than 48 samples"),
        ([(t, 5.0, held) for t, _, held in series(lambda share: 60 * share)], "too little was served"),
    ],
)
def test_what_cannot_be_told_is_unknown_and_says_why(samples: list[Sample], why: str) -> None:
    """GIVEN too little of anything THEN nothing is claimed."""
    growth = judge_series(samples, LIMIT)
    assert growth.word == "unknown"
    assert why in growth.reason


courses = st.lists(st.floats(-50, 50), min_size=4, max_size=4).map(
    lambda parts: lambda share: sum(part * share ** (i + 1) for i, part in enumerate(parts))
)


@given(courses, st.floats(-1e5, 1e5), st.floats(0, 2000))
def test_when_and_how_high_changes_nothing(course: Course, shift_s: float, more_mb: float) -> None:
    """GIVEN any course WHEN it is later or begins with more served THEN the same is said."""
    samples = series(course)
    later = [(t + shift_s, served + more_mb, held) for t, served, held in samples]
    there, here = judge_series(samples, LIMIT), judge_series(later, LIMIT)
    assert (there.word, there.reason) == (here.word, here.reason)


@given(courses, st.floats(0.01, 100))
def test_sessions_twice_as_long_leak_twice_as_much_each(course: Course, factor: float) -> None:
    """GIVEN any course WHEN sessions are counted by another measure THEN the word stays and the slope scales."""
    samples = series(course)
    scaled = [(t, served * factor, held) for t, served, held in samples]
    there, here = judge_series(samples, LIMIT), judge_series(scaled, LIMIT)
    assert there.word == here.word
    assert there.per_served is not None
    assert here.per_served is not None
    assert here.per_served.value * factor == pytest.approx(there.per_served.value, rel=1e-6, abs=1e-3)


@given(st.floats(3, 200), st.floats(0.3, 2.0))
def test_growth_backwards_is_never_a_leak(mb: float, power: float) -> None:
    """GIVEN memory that grows WHEN time is turned round THEN no leak is called."""
    samples = series(lambda share: mb * share**power)
    backwards = [(t, x, held) for (t, x, _), (_, _, held) in zip(samples, samples[::-1], strict=True)]
    assert judge_series(backwards, LIMIT).word != "leak"
