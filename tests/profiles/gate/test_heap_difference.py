"""Two heaps are matched by function, wherever their states ran and whatever moved within a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.gate.heap_difference import heap_difference, program_roots
from profiles.heap_record import HeapRecord, Held
from tests.profiles.gate.heaps import MB, heap, held

REVISION = ".cache/revisions/a32e9ed"


def rises(base: HeapRecord, head: HeapRecord) -> dict[str, float]:
    """The rise of each function in MB, in the order of the difference."""
    return {site.name: site.rise_bytes / MB for site in heap_difference(base, head).sites}


def test_lines_that_moved_are_the_same_function() -> None:
    """GIVEN a function whose lines moved and were split THEN one site, its lines as a detail, the largest first."""
    base = heap(held("app/store.py:30 keep", 4, count=3), held("app/page.py:7 read", 1))
    head = heap(
        held("app/store.py:41 keep", 2, count=2),
        held("app/store.py:44 keep", 10, count=5),
        held("app/page.py:7 read", 1),
    )
    difference = heap_difference(base, head)
    first, second = difference.sites
    assert (first.name, first.rise_bytes, second.rise_bytes) == ("app/store.py keep", 8 * MB, 0)
    assert first.base is not None
    assert first.head is not None
    assert (first.base.bytes, first.base.allocations) == (4 * MB, 3)
    assert (first.head.bytes, first.head.allocations) == (12 * MB, 7)
    assert [line.line for line in first.head.lines] == [44, 41]
    assert (difference.base_bytes, difference.head_bytes, difference.rise_bytes) == (5 * MB, 13 * MB, 8 * MB)


@pytest.mark.parametrize("root", ["", REVISION, "/elsewhere/build", "/"])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_state_that_ran_from_another_folder_is_matched(root: str, *, swapped: bool) -> None:
    """GIVEN a base below another folder THEN its files are named from there, in the innermost frame too."""
    names = (
        "app/store.py:30 keep",
        "app/parts/page.py:7 read",
        "app/__init__.py:1 <module>",
        "other/__init__.py:1 <module>",
    )
    here = heap(*(held(name, 1) for name in names))
    there = heap(*(held(f"{root}/{name}".replace("//", "/") if root else name, 1) for name in names))
    base, head = (here, there) if swapped else (there, here)
    difference = heap_difference(base, head)
    assert {site.file for site in difference.sites} == {name.split(":")[0] for name in names}
    assert {site.rise_bytes for site in difference.sites} == {0}
    for site in difference.sites:
        assert site.base is not None
        assert site.base.lines[0].innermost.startswith(site.file)


def test_packages_and_python_are_matched_as_they_are_named() -> None:
    """GIVEN lines of a package and of Python's library THEN no root is taken from them, and none is cut off."""
    package = held("starlette/routing.py:9 app", 1, origin="package")
    library = held("json/decoder.py:353 decode", 1, origin="stdlib")
    own = "app/store.py:30 keep"
    base = heap(held(f"{REVISION}/{own}", 1), package, library)
    head = heap(held(own, 1), package, library)
    assert rises(base, head) == dict.fromkeys(
        ("app/store.py keep", "json/decoder.py decode", "starlette/routing.py app"), 0
    )


def test_what_is_not_listed_on_a_side_is_less_than_what_is() -> None:
    """GIVEN a site that only head lists THEN base has none, and at most what its smallest listed line held."""
    base = heap(
        held("app/page.py:7 read", 1), held("app/store.py:3 fill", 0.5), other_sites=9, other_sites_bytes=MB
    )
    head = heap(held("app/page.py:7 read", 1), held("app/store.py:41 keep", 10))
    difference = heap_difference(base, head, ["doubtful"])
    assert [site.name for site in difference.sites] == [
        "app/store.py keep",
        "app/page.py read",
        "app/store.py fill",
    ]
    assert (difference.sites[0].base, difference.sites[2].head) == (None, None)
    assert [site.rise_bytes for site in difference.sites] == [10 * MB, 0, -MB // 2]
    assert (difference.base_unlisted_bytes, difference.head_unlisted_bytes) == (MB // 2, 0)
    assert difference.notes == ("doubtful",)


def test_no_sites_and_no_peak_are_no_error() -> None:
    """GIVEN a record that could not be read that far THEN its side held nothing that is known."""
    difference = heap_difference(heap(peak_bytes=None, other_sites=3), heap(held("app/store.py:41 keep", 10)))
    assert (difference.base_bytes, difference.rise_bytes, difference.base_unlisted_bytes) == (0, 10 * MB, 0)


def test_the_roots_are_those_under_which_most_files_are_found_twice() -> None:
    """GIVEN files of two states, some of them new, gone or of a common name THEN where each state lies."""
    base = {f"{REVISION}/app/store.py", f"{REVISION}/app/old.py", f"{REVISION}/app/__init__.py"}
    assert program_roots(base, {"app/store.py", "app/new.py", "app/__init__.py"}) == (f"{REVISION}/", "")
    assert program_roots({"app/store.py"}, {"app/other.py"}) == ("", "")
    assert program_roots(set(), {"app/other.py"}) == ("", "")


def captured(folder: Path, extra_mb: int, blank_lines: int) -> HeapRecord:
    """The heap of a tiny program in `folder`, read from a real capture as a run's is."""
    package = folder / "tiny"
    package.mkdir(parents=True)
    lines = "\n" * blank_lines
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "store.py").write_text(
        f"kept = []\n{lines}\ndef keep(mb):\n    kept.append(bytearray(mb * 2**20))\n", encoding="utf-8"
    )
    (package / "__main__.py").write_text(
        f"from tiny import store\nroom = bytearray(6 * 2**20)\nstore.keep(3)\nstore.keep({extra_mb})\n",
        encoding="utf-8",
    )
    memray = [sys.executable, "-m", "memray", "run", "-q", "-o", "heap.bin", "-m", "tiny"]
    subprocess.run(memray, cwd=folder, check=True)
    reader = [
        sys.executable,
        "-m",
        "profiles.heap_reader",
        str(folder / "heap.bin"),
        str(folder / "found.json"),
    ]
    subprocess.run(reader, check=True)
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return heap(
        *map(Held.model_validate, found["sites"]),
        **{key: found[key] for key in ("peak_bytes", "other_sites")},
    )


@pytest.mark.slow
def test_two_real_captures_tell_which_function_holds_more(tmp_path: Path) -> None:
    """GIVEN two states of a program in two folders, one with 9 MB more and its lines moved THEN just that is told."""
    base = captured(tmp_path / "cache" / "a32e9ed", extra_mb=1, blank_lines=0)
    head = captured(tmp_path / "head", extra_mb=10, blank_lines=20)
    found = heap_difference(base, head)
    first = found.sites[0]
    assert first.name == "tiny/store.py keep"
    assert first.rise_bytes == pytest.approx(9 * MB, rel=0.01)
    assert first.base is not None
    assert first.head is not None
    assert (first.base.lines[0].line, first.head.lines[0].line) == (4, 24)
    assert found.rise_bytes == pytest.approx(9 * MB, rel=0.1)
    room = next(site for site in found.sites if site.name == "tiny/__main__.py <module>")
    assert room.rise_bytes == pytest.approx(0, abs=MB / 10)
