"""Allocations are put at the program's own line, and two waves tell a leak from a cache."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.heap_record import NO_FRAME, Place
from profiles.heap_sites import (
    POOL_BYTES,
    SMALLEST_BYTES,
    Interval,
    origin_of,
    place_of,
    sites_grown,
    sites_held,
)

DECODE = ("raw_decode", "/usr/lib/python3.11/json/decoder.py", 353)
OWN = ("read_object", "/srv/app/fields.py", 30)
CALLER = ("route", "/srv/app/routes.py", 7)
PACKAGE = ("app", "/srv/venv/lib/python3.11/site-packages/starlette/routing.py", 62)
TRACKER = ("_run_tracker", "/srv/venv/lib/python3.11/site-packages/memray/commands/run.py", 60)
IMPORTING = ("_load_unlocked", "<frozen importlib._bootstrap>", 690)
MARKS = (10, 20, 30)
KB64 = 64 * 1024


def place(line: int = 1) -> Place:
    """A line of the program's own."""
    return Place(file="app.py", line=line, function="f", origin="own", innermost=f"app.py:{line} f")


def lived(allocated: int, freed: int | None = None, size: int = KB64, *, mapped: bool = False) -> Interval:
    """One allocation that lived from one snapshot to another."""
    return Interval(allocated, freed, 1, size, is_mapping=mapped)


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("/srv/app/fields.py", "own"),
        ("/usr/lib/python3.11/json/decoder.py", "stdlib"),
        ("/usr/lib/python3.14t/json/decoder.py", "stdlib"),
        ("/usr/lib/python311.zip/json/decoder.py", "stdlib"),
        ("<frozen importlib._bootstrap>", "stdlib"),
        (NO_FRAME, "stdlib"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "package"),
        ("/srv/venv/lib/python3.11/site-packages/starlette/routing.py", "package"),
    ],
)
def test_a_file_is_the_programs_own_unless_it_was_installed(file: str, origin: str) -> None:
    """GIVEN a file's path THEN it tells whose it is."""
    assert origin_of(file) == origin


def test_the_innermost_own_line_is_named_beside_the_innermost_frame() -> None:
    """GIVEN a decoder called by our own code THEN our line holds it, and the decoder's frame is told too."""
    found = place_of([DECODE, OWN, CALLER, PACKAGE], "/srv/app")
    assert (found.name, found.origin) == ("fields.py:30 read_object", "own")
    assert found.innermost == "json/decoder.py:353 raw_decode"


@pytest.mark.parametrize(
    ("stack", "name", "origin"),
    [
        ([DECODE, PACKAGE], "starlette/routing.py:62 app", "package"),
        ([DECODE], "json/decoder.py:353 raw_decode", "stdlib"),
        ([DECODE, TRACKER], "json/decoder.py:353 raw_decode", "stdlib"),
        ([TRACKER], NO_FRAME, "stdlib"),
        ([], NO_FRAME, "stdlib"),
        ([DECODE, IMPORTING, OWN], "/srv/app/fields.py:30 read_object, importing", "own"),
    ],
)
def test_without_an_own_line_the_nearest_other_is_named(
    stack: list[tuple[str, str, int]], name: str, origin: str
) -> None:
    """GIVEN no line of our own THEN a package's, else the library's; the tracker's own lines are nobody's."""
    found = place_of(stack)
    assert (found.name, found.origin) == (name, origin)


def test_a_line_holds_what_all_its_calls_hold() -> None:
    """GIVEN two callees of a line THEN it is one row, with the callee that holds most."""
    big, small = (place().model_copy(update={"innermost": name}) for name in ("big", "small"))
    assert [(h.bytes, h.count, h.innermost) for h in sites_held([(big, 70, 2), (small, 30, 5)])] == [
        (100, 7, "big")
    ]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10**9), st.integers(1, 99))))
def test_no_byte_is_lost_or_counted_twice(records: list[tuple[int, int, int]]) -> None:
    """Whatever is held, the lines hold it together, and the first of them holds most."""
    held = sites_held((place(line), size, count) for line, size, count in records)
    assert sum(site.bytes for site in held) == sum(size for _, size, _ in records)
    assert sum(site.count for site in held) == sum(count for _, _, count in records)
    assert [site.bytes for site in held] == sorted((site.bytes for site in held), reverse=True)


@pytest.mark.parametrize(
    ("intervals", "course"),
    [
        ([lived(15), lived(25)], "grows"),
        ([lived(15, size=4 * KB64), lived(25)], "slows"),
        ([lived(15)], "stopped"),
        ([lived(15, freed=28)], "stopped"),
        ([lived(25)], "late"),
    ],
)
def test_the_course_of_a_line_tells_a_leak_from_a_cache(intervals: list[Interval], course: str) -> None:
    """GIVEN what lived after each wave THEN the course is told."""
    (site,) = sites_grown([(place(), intervals)], MARKS, 4)
    assert site.course == course


@pytest.mark.parametrize(
    "intervals",
    [
        [lived(5)],
        [lived(12, freed=19), lived(22, freed=29)],
        [lived(31)],
        [lived(15, size=SMALLEST_BYTES - 1), lived(25, size=SMALLEST_BYTES - 1)],
    ],
)
def test_what_was_there_before_or_given_back_is_no_finding(intervals: list[Interval]) -> None:
    """GIVEN memory from before, given back in time, taken afterwards, or next to nothing THEN no line is told."""
    assert sites_grown([(place(), intervals)], MARKS, 4) == []


def test_what_a_line_grew_by_is_told_for_each_session() -> None:
    """GIVEN a leak of 64 KiB in each of four sessions THEN just that is told, and what was there before."""
    intervals = [lived(0, size=1000), *(lived(15) for _ in range(4)), *(lived(25) for _ in range(4))]
    (site,) = sites_grown([(place(), intervals)], MARKS, 4)
    assert (site.before_bytes, site.after_1_bytes, site.after_2_bytes) == (
        1000,
        1000 + 4 * KB64,
        1000 + 8 * KB64,
    )
    assert site.bytes_per_session == KB64
    assert sites_grown([(place(), intervals)], MARKS, None)[0].bytes_per_session is None


def test_pools_are_told_apart_from_what_a_line_asked_for() -> None:
    """GIVEN a mapping the size of a pool, and a block of the same size THEN the mapping alone counts as one."""
    intervals = [lived(15, size=POOL_BYTES, mapped=True), lived(15, size=POOL_BYTES), lived(25, mapped=True)]
    (site,) = sites_grown([(place(), intervals)], MARKS, 4)
    assert site.pools_bytes == POOL_BYTES


def test_the_line_that_grew_most_in_the_second_wave_comes_first() -> None:
    """GIVEN a large cache and a small leak THEN the leak is read first."""
    cache, leak = [lived(15, size=10 * KB64)], [lived(15), lived(25)]
    assert [s.line for s in sites_grown([(place(1), cache), (place(2), leak)], MARKS, 4)] == [2, 1]
