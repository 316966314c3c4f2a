"""Who held it: a run's capture read, joined with the samples, and reported beside the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from profiles.errors import RunError
from profiles.heap_capture import CAPTURE_FILE
from profiles.heap_flame import OVER_TIME_PAGE, PEAK_PAGE, draw_flame_graphs
from profiles.heap_pages import MARKDOWN_FILE, PAGE_FILE, PNG_FILE, SVG_FILE, heap_markdown, heap_page
from profiles.heap_plot import heap_svg
from profiles.heap_reading import read_run_heap
from profiles.heap_record import HeapRecord, save_heap
from profiles.run_folder import RunFolder


def report_heap(path: Path, tell: Callable[[str], None]) -> HeapRecord:
    """Read the capture of the run in folder `path` and write heap.json, its report, picture and flame graphs.

    Whatever cannot be had is a note of the record returned, never an error: the run is judged without it.
    """
    try:
        record = read_run_heap(path, tell)
        if record.sites:
            pages, missing = draw_flame_graphs(path, path / CAPTURE_FILE, tell)
            record = record.model_copy(
                update={
                    "flame_graph": PEAK_PAGE if PEAK_PAGE in pages else None,
                    "flame_graph_over_time": OVER_TIME_PAGE if OVER_TIME_PAGE in pages else None,
                    "notes": (*record.notes, *missing),
                }
            )
        tell("drawing the heap")
        write_heap_report(record, path)
    except (OSError, RunError) as error:
        note = f"{getattr(error, 'filename', None) or path}: {getattr(error, 'strerror', None) or error}"
        return HeapRecord(
            scenario=path.name, capture=CAPTURE_FILE, notes=(f"{note.rstrip('.')}. Nothing more.",)
        )
    return record


def write_heap_report(record: HeapRecord, path: Path) -> None:
    """Write heap.json and what is made of it into the run's folder.

    Raises:
        OSError: it cannot be written.
    """
    save_heap(record, path)
    svg = ""
    if record.timeline:
        folder = RunFolder(path)
        vm: Any = folder.run.get("vm") or {}
        svg = heap_svg(record, folder, vm.get("memory_mb"), path / PNG_FILE)
        (path / SVG_FILE).write_text(svg, encoding="utf-8")
    (path / MARKDOWN_FILE).write_text(heap_markdown(record), encoding="utf-8")
    (path / PAGE_FILE).write_text(heap_page(record, svg), encoding="utf-8")
