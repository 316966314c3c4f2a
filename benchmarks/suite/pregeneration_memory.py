"""The most memory that pre-generation takes, against the length of the document."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from benchmarks.document import paragraphs
from benchmarks.errors import BenchmarkError
from benchmarks.servers import reference_server
from benchmarks.suite.made_ahead import make_ahead, upload
from benchmarks.suite.measured import Figure, Tell
from benchmarks.suite.peak_memory import PeakMemory
from benchmarks.suite.pregeneration_rate import OURS
from benchmarks.suite.speech_stand_in import have_spoken, speech

BLOCKS_A_PAGE = 6
"""Of full paragraphs on a page of plain text, as the server cuts it."""

DISTINCT_BLOCKS = 60
"""The document says them again and again, so that they are spoken once; each chunk is made and stored all the same."""

BYTES_A_PAGE = 3_200_000
"""Somewhat more than the chunks of a page take."""

FLAT_SHARE = 0.1
"""Flat means: 1,000 more pages add less than this share of the peak."""

PEAK, BEFORE = "peak RSS of the server", "RSS of the server before"
_LENGTHENED = 1000


@dataclass(frozen=True)
class Growth:
    """How a peak follows the length.

    Attributes:
        lengths: pages, at least two, the shortest first.
        peaks_mb: of each length, one of each round.
        blocks: of each length.
    """

    lengths: tuple[int, ...]
    peaks_mb: tuple[tuple[float, ...], ...]
    blocks: tuple[int, ...]

    @property
    def slopes_kb(self) -> tuple[float, ...]:
        """Kilobytes that a page adds, of each round: from the longest document but one to the longest."""
        pages = self.lengths[-1] - self.lengths[-2]
        ends = zip(self.peaks_mb[-2], self.peaks_mb[-1], strict=True)
        return tuple(1000 * (long - short) / pages for short, long in ends)

    @property
    def is_flat(self) -> bool:
        """Whether even the steepest round adds less than `FLAT_SHARE` over 1,000 more pages."""
        added_mb = max(self.slopes_kb) * _LENGTHENED / 1000
        return added_mb < FLAT_SHARE * median(self.peaks_mb[-2])

    @property
    def told(self) -> str:
        """What was measured, in words."""
        peaks = ", ".join(
            f"{median(mb):.1f} MB at {pages:,} pages"
            for pages, mb in zip(self.lengths, self.peaks_mb, strict=True)
        )
        slopes = self.slopes_kb
        return (
            f"{peaks}: {median(slopes):.1f} kB a page from {self.lengths[-2]:,} on "
            f"({min(slopes):.1f} to {max(slopes):.1f} in the rounds)"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """How it was judged, and under what."""
        made = ", ".join(
            f"{pages:,} pages of {blocks:,} blocks"
            for pages, blocks in zip(self.lengths, self.blocks, strict=True)
        )
        return (
            (
                f"Memory: {made}; a fresh server for each, no aligner, no latency, 4 blocks at once. The peak is the "
                "kernel's own mark (VmHWM) of the server's process, set back as the job begins."
            ),
            (
                "A page's share is the difference of the two longest documents' peaks within a round: the first blocks "
                "also fill what a fresh process has not used yet. Flat means that the steepest round adds less than "
                f"{FLAT_SHARE:.0%} of the shorter one's peak over 1,000 more pages."
            ),
            (
                "What grows are lists of names: of the chunks to keep, as a job begins, and of those that are there, "
                "as tts.meta.json is written."
            ),
            f"The document repeats {DISTINCT_BLOCKS} blocks, so that the stand-in speaks them once.",
        )


def text_of_pages(pages: int) -> str:
    """Returns a text that the server cuts into so many pages of full blocks."""
    blocks = islice(cycle(paragraphs(DISTINCT_BLOCKS)), pages * BLOCKS_A_PAGE)
    return "\n\n".join(blocks) + "\n"


def measure_growth(
    lengths: Sequence[int], rounds: int, folder: Path, tell: Tell
) -> tuple[list[Figure], Growth]:
    """Makes documents of these lengths ahead, by turns, and returns the figures and how they grow.

    Raises:
        BenchmarkError: a server did not start or did not do its part, or the disk is short.
    """
    needed = max(lengths) * BYTES_A_PAGE
    if shutil.disk_usage(folder).free < 2 * needed:
        raise BenchmarkError(
            f"{folder}: less than {2 * needed / 1e9:.0f} GB free. Make room, or use the short form."
        )
    peaks: dict[int, list[float]] = {pages: [] for pages in lengths}
    before: dict[int, list[float]] = {pages: [] for pages in lengths}
    blocks: dict[int, int] = {}
    with speech(folder / "memory-upstream.log", "0") as upstream:
        have_spoken(upstream, paragraphs(DISTINCT_BLOCKS))
        for number in range(rounds):
            for pages in lengths if number % 2 == 0 else reversed(lengths):
                tell(f"pre-generation, memory, {pages:,} pages: round {number + 1} of {rounds}")
                peak, blocks[pages] = _make(pages, upstream.base_url, folder)
                peaks[pages].append(peak.server_mb)
                before[pages].append(peak.before_mb)
    growth = Growth(
        tuple(lengths), tuple(tuple(peaks[pages]) for pages in lengths), tuple(blocks[p] for p in lengths)
    )
    figures = [
        Figure(OURS, f"{pages:,} pages", quantity, "MB", tuple(values[pages]))
        for quantity, values in ((PEAK, peaks), (BEFORE, before))
        for pages in lengths
    ]
    return figures, growth


def _make(pages: int, api: str, folder: Path) -> tuple[PeakMemory, int]:
    docstore = folder / "memory-docstore"
    settings = {"ALIGNER": "none", "API_BASE": api}
    try:
        with reference_server(docstore, folder / "memory-server.log", settings=settings) as server:
            found = upload(server.url, "long", text_of_pages(pages))
            if found != pages:
                raise BenchmarkError(f"{server.url}: the text of {pages} pages has {found}")
            pid = server.processes[0].pid
            with PeakMemory(pid) as peak:
                made = make_ahead(server.url, "long", pid)
    finally:
        shutil.rmtree(docstore, ignore_errors=True)
    return peak, made.blocks
