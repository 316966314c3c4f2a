"""Two run folders are compared from what they remember; what they cannot tell, and what differs, is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.errors import OomproofError
from profiles.gate.heap_pair import read_heap_difference
from profiles.heap_record import HeapRecord, save_heap
from tests.profiles.gate.heaps import MB, heap, held

RUN: dict[str, Any] = {
    "scenario": {"name": "cached", "load": {"readers": 4, "seed": 1}},
    "document_sha256": "5e" * 32,
    "machine": {"python": "3.11.7"},
}


def profiled(folder: Path, record: HeapRecord | None, **changes: Any) -> Path:
    """A run folder with this heap."""
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({**RUN, **changes}), encoding="utf-8")
    if record is not None:
        save_heap(record, folder)
    return folder


def test_an_old_pair_is_compared_from_its_records_alone(tmp_path: Path) -> None:
    """GIVEN two folders with heap.json and no capture THEN the difference, without a doubt."""
    base = profiled(tmp_path / "base", heap(held("app/store.py:30 keep", 4)))
    head = profiled(tmp_path / "head", heap(held("app/store.py:41 keep", 12)))
    difference = read_heap_difference(base, head)
    assert [site.rise_bytes for site in difference.sites] == [8 * MB]
    assert difference.notes == ()


def test_what_differs_beside_the_code_is_told(tmp_path: Path) -> None:
    """GIVEN another seed, document, Python, scenario and allocator THEN each is a note with both values."""
    base = profiled(tmp_path / "base", heap(held("app/store.py:30 keep", 4), notes=("The capture is cut.",)))
    head = profiled(
        tmp_path / "head",
        heap(held("app/store.py:30 keep", 4), scenario="live", python_allocator="malloc", ended_whole=False),
        scenario={"load": {"readers": 4, "seed": 2, "pace": 5}},
        document_sha256=None,
        machine="unknown",
    )
    assert read_heap_difference(base, head).notes == (
        "The load differs: seed 1 in base, 2 in head.",
        "The load differs: pace None in base, 5 in head.",
        f"The document differs: {'5e' * 32} in base, None in head.",
        "The Python differs: 3.11.7 in base, None in head.",
        "Two scenarios: base played cached, head live.",
        "Python's allocator was pymalloc in base and malloc in head.",
        "base: The capture is cut.",
        "head: the capture ends with a kill.",
    )


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_folder_without_a_heap_is_one_line_with_the_way_out(tmp_path: Path, content: str | None) -> None:
    """GIVEN a run that was not profiled, or whose heap.json another version wrote THEN the command that mends it."""
    base = profiled(tmp_path / "base", None)
    if content is not None:
        (base / "heap.json").write_text(content, encoding="utf-8")
    head = profiled(tmp_path / "head", heap(held("app/store.py:41 keep", 12)))
    with pytest.raises(
        OomproofError, match=r"base: no heap\.json that can be read\. .* `oomproof profile --again .*base`"
    ):
        read_heap_difference(base, head)


@pytest.mark.parametrize(
    ("notes", "why"),
    [(("heap.bin: empty or missing.",), "heap.bin: empty or missing"), ((), "no line of it held")],
)
def test_a_heap_of_which_nothing_is_known_is_no_heap(
    tmp_path: Path, notes: tuple[str, ...], why: str
) -> None:
    """GIVEN a capture that told nothing THEN it is said which, and why, and no difference is made up."""
    base = profiled(tmp_path / "base", heap(held("app/store.py:41 keep", 12)))
    head = profiled(tmp_path / "head", heap(notes=notes))
    with pytest.raises(
        OomproofError, match=rf"head: nothing is known of its heap \({why}.*\)\. Profile it again\."
    ):
        read_heap_difference(base, head)
