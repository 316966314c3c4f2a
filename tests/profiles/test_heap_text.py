"""A heap's report says first what it explains, and nothing that was not measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from profiles.heap_pages import RunHeap, heap_markdown, heap_page, html_of_runs, markdown_of_runs
from profiles.heap_plot import heap_svg
from profiles.heap_record import Grown, HeapRecord, Held, Moment, Waves, read_heap, save_heap
from profiles.heap_text import explained, not_heap
from profiles.run_folder import RunFolder

MB = 2**20
LINE = {
    "file": "app.py",
    "line": 30,
    "function": "read",
    "origin": "own",
    "innermost": "json/decoder.py:353 decode",
}


def moment(name: str = "vm_peak", **values: Any) -> Moment:
    """A moment in a VM of 4 GB that its children filled."""
    given = {"t_s": 57.7, "heap_bytes": 100 * MB, "anon_bytes": 4000.0 * MB, "children": 21}
    return Moment.model_validate({"name": name, **given, "children_rss_bytes": 4100.0 * MB, **values})


def record(**values: Any) -> HeapRecord:
    """An invented heap."""
    sites = (Held.model_validate({**LINE, "bytes": 60 * MB, "count": 50}),)
    moments = (moment("heap_peak", memray_rss_bytes=180 * MB, server_rss_bytes=181.0 * MB), moment())
    given = {"peak_bytes": 100 * MB, "rss_at_start_bytes": 45 * MB, "sites": sites, "moments": moments}
    return HeapRecord.model_validate({"scenario": "live", "capture": "heap.bin", **given, **values})


def waves(*, sessions: tuple[int, int] | None = (4, 4), quiet: tuple[bool, bool] = (True, True)) -> Waves:
    """Two invented waves, in which a line of the server's grew."""
    grew = {"before_bytes": 0, "after_1_bytes": 10 * MB, "after_2_bytes": 18 * MB, "pools_bytes": 0}
    site = Grown.model_validate({**LINE, **grew, "bytes_per_session": 2.0 * MB, "course": "grows"})
    return Waves(
        sessions=sessions, t_s=(0, 30, 60), heap_bytes=(30 * MB, 40 * MB, 48 * MB), quiet=quiet, sites=(site,)
    )


def test_a_heap_that_is_not_what_fills_the_vm_says_so_first() -> None:
    """GIVEN a VM full of children THEN the first line tells the heap's share, theirs, and what that means."""
    assert explained(record()) == (
        "Of the 4,000 MB of anonymous memory when the VM was fullest, the server's heap held 100 MB: 2%. 21 processes "
        "beside it held 4,100 MB of RSS, and are not in the capture. So its lines explain little of what fills the VM."
    )


def test_a_heap_that_fills_the_vm_is_not_played_down() -> None:
    """GIVEN a server that is most of the VM THEN its share is told, and no more."""
    full = moment(anon_bytes=125.0 * MB, children=0)
    assert explained(record(moments=(full,))) == (
        "Of the 125 MB of anonymous memory when the VM was fullest, the server's heap held 100 MB: 80%."
    )


@pytest.mark.parametrize(
    ("moments", "said"),
    [
        ((), "Nothing is known of the server's heap."),
        ((moment("heap_peak"),), "what the VM held then was not measured."),
        (
            (moment(anon_bytes=None, children=None, children_rss_bytes=None),),
            "When the VM was fullest, the server's heap",
        ),
        (
            (moment(anon_bytes=None, server_rss_bytes=900.0 * MB),),
            "Of the 5,000 MB of RSS of all processes when",
        ),
    ],
)
def test_what_was_not_measured_is_not_told(moments: tuple[Moment, ...], said: str) -> None:
    """GIVEN no sample, or one without anonymous memory THEN the first line tells what there is."""
    assert said in explained(record(moments=moments))


def test_rss_beside_the_heap_is_explained_as_far_as_it_can_be() -> None:
    """GIVEN RSS, heap, and RSS before the first line THEN the rest is told in two parts."""
    said = not_heap(record())
    assert "Its RSS was 180 MB (181 MB in the nearest sample): 80.0 MB beside the heap." in said
    assert "45.0 MB of it was there before the first line ran" in said
    assert "35.0 MB came since" in said


def test_a_heap_larger_than_the_vms_memory_has_no_share() -> None:
    """GIVEN 300 MB asked for and 100 MB in memory THEN the first line tells both, and no share of 300 %."""
    untouched = Moment(name="vm_peak", t_s=1, heap_bytes=300 * 2**20, anon_bytes=100 * 2**20)
    said = explained(record(moments=(untouched,)))
    assert (
        "held 100 MB of anonymous memory, and the server's heap held 300 MB, more than was in memory" in said
    )
    assert "%" not in said


def test_a_heap_larger_than_rss_was_never_touched() -> None:
    """GIVEN more asked for than resident THEN the difference is called untouched, not negative."""
    small = moment("heap_peak", memray_rss_bytes=70 * MB)
    assert "30.0 MB of the heap had been asked for and never touched" in not_heap(record(moments=(small,)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"waves": waves()}, "(4 and 4 sessions)"),
        ({"waves": waves(sessions=None)}, "(sessions not counted)"),
        ({"waves": waves(quiet=(True, False))}, "did not come to rest after wave 2"),
        (
            {"no_waves": "the server ended in wave 1 20 s after the load's start"},
            "Not known: the server ended in wave 1",
        ),
        ({}, "Not known: the load was played once"),
        ({"notes": ["heap.bin: cannot be read to its end (x)."]}, "heap.bin: cannot be read to its end"),
        ({"sites": (), "peak_bytes": None}, "The capture could not be read that far."),
        ({"flame_graph": "heap-flame.html"}, "(heap-flame.html)"),
    ],
)
def test_both_reports_say_the_same(values: dict[str, Any], said: str) -> None:
    """GIVEN a heap THEN Markdown says it, and the page says it too."""
    heap = record(**values)
    assert said.replace("(heap-flame.html)", "](heap-flame.html)") in heap_markdown(heap)
    page = heap_page(heap, "")
    assert said.replace("(heap-flame.html)", 'href="heap-flame.html"').replace("'", "&#x27;") in page


def test_a_table_has_as_many_cells_as_its_head() -> None:
    """Whatever stands in a name, no row of the Markdown breaks its table."""
    odd = Held.model_validate({**LINE, "function": "a|b*c_d", "bytes": MB, "count": 1})
    rows = [
        line for line in heap_markdown(record(sites=(odd,), waves=waves())).splitlines() if line[:1] == "|"
    ]
    assert {row.replace("\\|", "").count("|") for row in rows} == {6, 8}


def test_every_field_of_a_heap_is_in_the_reference_and_no_other() -> None:
    """GIVEN the record THEN the table of run-folder.md names its fields, those of its parts among them."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "run-folder.md").read_text(encoding="utf-8")
    section = page.split("\n## heap.json\n")[1].split("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[1])} == set(HeapRecord.model_fields)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row[3])}
    assert {*Moment.model_fields, *Held.model_fields, *Waves.model_fields, *Grown.model_fields} <= told | {
        "sites"
    }


def test_the_report_of_runs_has_the_first_line_and_a_link() -> None:
    """GIVEN a run with a heap THEN the comparison's report shows it; without one, nothing."""
    heaps = [RunHeap("live", "../x/live", record())]
    assert "](../x/live/heap.md)" in "\n".join(markdown_of_runs(heaps))
    assert "app.py:30 read" in "\n".join(markdown_of_runs(heaps))
    assert 'href="../x/live/heap.html"' in html_of_runs(heaps)
    assert (markdown_of_runs([]), html_of_runs([])) == ([], "")


def test_a_heap_is_the_same_when_it_is_read_back(tmp_path: Path) -> None:
    """GIVEN a record saved THEN it is read as it was; a damaged or missing file is no heap."""
    assert read_heap(tmp_path) is None
    save_heap(record(waves=waves()), tmp_path)
    assert read_heap(tmp_path) == record(waves=waves())
    (tmp_path / "heap.json").write_text("{")
    assert read_heap(tmp_path) is None


def test_the_picture_is_the_same_bytes_and_needs_no_samples(tmp_path: Path) -> None:
    """GIVEN the series alone, with waves and an end THEN a picture is drawn that names them, twice alike."""
    ended = moment("end", t_s=70.0)
    timeline = ((-1.0, 0, 45 * MB), (30.0, 40 * MB, 90 * MB), (70.0, 100 * MB, 180 * MB))
    heap = record(waves=waves(), timeline=timeline, moments=(moment("heap_peak"), ended))
    drawn = [heap_svg(heap, RunFolder(tmp_path), 4096, tmp_path / "heap.png") for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert (tmp_path / "heap.png").read_bytes()[:4] == b"\x89PNG"
    for name in ("after wave 1", "after wave 2", "peak", "ended", "server, heap"):
        assert name in drawn[0], name
