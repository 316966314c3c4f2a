"""What a heap difference says: the rise and whose it is first, and nothing of what is too small to tell."""

from __future__ import annotations

import pytest

from profiles.gate.heap_difference import HeapDifference, heap_difference
from profiles.gate.heap_difference_text import (
    MOST_SITES,
    heap_difference_markdown,
    heap_difference_text,
    shown_sites,
    signed_size,
    size,
    summary,
)
from tests.profiles.gate.heaps import MB, heap, held

KB = 1024


def grown(**changes: object) -> HeapDifference:
    """A head that keeps 12 MB more in a new function, and 1 MB less elsewhere."""
    base = heap(held("app/page.py:7 read", 2, count=9), held("app/app.py:1 <module>", 5), **changes)
    head = heap(
        held("app/page.py:8 read", 1, count=4),
        held("app/app.py:1 <module>", 5),
        held("app/store.py:41 keep", 12, count=1200),
    )
    return heap_difference(base, head, ["The load differs: seed 1 in base, 2 in head."])


def test_the_first_sentence_is_the_rise_and_whose_it_is() -> None:
    """GIVEN a difference THEN both heaps, the rise, and the function that rose most; where base is cut, at most."""
    assert summary(grown()) == (
        "At its peak head's heap held 18.0 MB, base's 7.0 MB: 11.0 MB more. app/store.py keep rose most, by 12.0 MB."
    )
    assert "app/store.py keep rose most, by at most 12.0 MB." in summary(grown(other_sites=3))


@pytest.mark.parametrize(
    ("base_mb", "head_mb", "said"),
    [
        (5, 5, "held 5.0 MB, base's 5.0 MB: as much. No function holds more than 16.0 KB more."),
        (5, 3, "held 3.0 MB, base's 5.0 MB: 2.0 MB less. No function holds more than 16.0 KB more."),
        (5, 5.01, "10.2 KB more. No function holds more than 16.0 KB more."),
    ],
)
def test_no_culprit_is_named_where_there_is_none(base_mb: float, head_mb: float, said: str) -> None:
    """GIVEN a heap that is alike or smaller THEN no function is blamed."""
    assert said in summary(heap_difference(heap(held("a.py:1 f", base_mb)), heap(held("a.py:1 f", head_mb))))
    assert "No function" in summary(heap_difference(heap(), heap()))


def test_a_terminal_of_80_columns_shows_it() -> None:
    """GIVEN a difference THEN rows with the rise, both sides, the function and its lines; the rest is counted."""
    lines = heap_difference_text(grown()).splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.rstrip() for line in lines]
    assert "+12.0 MB  nothing  12.0 MB  app/store.py keep (41)" in shown
    assert " -1.0 MB   2.0 MB   1.0 MB  app/page.py read (8; base: 7)" in shown
    assert "Note: The load differs: seed 1 in base, 2 in head." in shown
    assert "1 other function, and what is not listed, make +0.0 KB together." in shown
    assert not any("<module>" in line for line in shown)


def test_markdown_shows_lines_and_allocations_too() -> None:
    """GIVEN a difference THEN a row each with allocations and lines of both sides; what is not listed is bounded."""
    text = heap_difference_markdown(grown(other_sites=3))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[2] == (
        "| +12.0 MB | under 2.0 MB | 12.0 MB | – -\\> 1,200 | app/store.py keep | "  # noqa: RUF001
        "head: 41 12.0 MB (app/store.py:41 keep) |"
    )
    assert "| 9 -\\> 4 | app/page.py read | head: 8 1.0 MB (app/page.py:8 read); base: 7 2.0 MB" in rows[3]
    assert "> **Note:** The load differs: seed 1 in base, 2 in head." in text
    assert "PYTHONMALLOC=malloc" in text


def test_what_only_base_held_is_told_with_its_line() -> None:
    """GIVEN a function that is gone THEN it fell, to nothing, from the line where it was."""
    gone = heap_difference(heap(held("app/store.py:41 keep", 12)), heap(held("app/page.py:7 read", 1)))
    assert "-12.0 MB  12.0 MB  nothing  app/store.py keep (base: 41)" in heap_difference_text(gone)


def test_a_table_has_an_end() -> None:
    """GIVEN very many functions that rose and fell THEN those that did most, risen first, and a count of the others."""
    base = heap(*(held(f"app/old.py:{at} f{at}", at) for at in range(1, 40)))
    head = heap(*(held(f"app/new.py:{at} f{at}", at) for at in range(1, 40)))
    difference = heap_difference(base, head)
    names = [site.name for site in shown_sites(difference)]
    assert len(names) == 2 * MOST_SITES
    assert (names[0], names[-1]) == ("app/new.py f39", "app/old.py f39")
    assert "54 other functions, and what is not listed, make +0.0 KB together." in heap_difference_markdown(
        difference
    )


def test_nothing_to_show_is_no_table() -> None:
    """GIVEN the same heap twice THEN there is no empty table."""
    same = heap_difference(heap(held("a.py:1 f", 1)), heap(held("a.py:1 f", 1)))
    assert "|" not in heap_difference_markdown(same)
    assert "function (lines)" not in heap_difference_text(same)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "+0.0 KB"), (MB - 1, "+1,024.0 KB"), (MB, "+1.0 MB"), (-MB, "-1.0 MB"), (-512, "-0.5 KB")],
)
def test_sizes_have_a_sign_and_a_unit_that_fits(value: int, text: str) -> None:
    """GIVEN bytes THEN MB from 1 MB on, KB below."""
    assert signed_size(value) == text
    assert size(abs(value)) == text[1:]


def test_names_are_shown_and_not_obeyed() -> None:
    """GIVEN a function whose name is markup of rich, of Markdown and of a terminal THEN it is only shown."""
    odd = heap_difference(heap(), heap(held("app/a.py:1 x", 1, function="[red]|<b>\x1b[31m")))
    assert "[red]|<b>\\x1b[31m (1)" in heap_difference_text(odd)
    assert "\\[red\\]\\|\\<b\\>" in heap_difference_markdown(odd)
