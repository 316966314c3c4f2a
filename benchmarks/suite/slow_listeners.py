"""Case 2: what an open stream holds that is taken at playback speed, beside the same peers."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.store import BYTES_PER_S
from benchmarks.suite.cores import held_to, two_cores
from benchmarks.suite.held_streams import Held, hold
from benchmarks.suite.made_store import STAND_IN, MadeBlock, make_store
from benchmarks.suite.measured import Effort, Figure, Measured, Ratio, Tell, ratio_of
from benchmarks.suite.open_files import open_files
from benchmarks.suite.peers import OURS, Subject, line_up, most_requests
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.slow_client import RECEIVE_BUFFER_BYTES, SEGMENT_BYTES
from benchmarks.suite.stream_promises import A_STREAM, IN_ALL, OPEN, promises_of, setting_of

STREAMS = (1_000, 5_000)
CPU = "share of a core"

OPEN_FILES = 4 * max(STREAMS)
"""A stream is two, its connection and its chunk; our server keeps a quarter of its files for itself."""

_ROUNDS = 1, 4
_LISTENED_S = 1.5, 4.0
_BLOCKS = 100
_SMALLEST_BYTES, _LARGEST_BYTES = 450_000, 600_000
_NOTES = (
    STAND_IN,
    f"Each listener takes a chunk at {BYTES_PER_S:,} bytes a second, as an MP3 of 128 kb/s plays; all are one thread.",
    f"A receive buffer has {RECEIVE_BUFFER_BYTES // 1024} kB, and a segment {SEGMENT_BYTES} bytes, as on Ethernet.",
    "With loopback's segments of 64 kB the kernel would take whole chunks at once, and no stream would be open.",
    f"Raised for this: MAX_REQUESTS to {most_requests(max(STREAMS)):,}, the limit of open files to {OPEN_FILES:,}.",
    "Each server is started anew; RSS a stream is what came on top of its RSS when it had served each chunk once.",
    "The kernel's buffers hold what a server has sent and no listener taken; they are in no process's RSS.",
    "What sendfile puts there (oomproof, nginx) is the page cache's own memory; of the others it is a copy.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure memory and CPU of 1,000 and of 5,000 open streams.

    Raises:
        BenchmarkError: it cannot be measured here.
    """
    cores = two_cores()
    tell(f"slow listeners: {_BLOCKS} chunks are made")
    store = make_store(folder, _BLOCKS, _SMALLEST_BYTES, _LARGEST_BYTES)
    lineup = line_up(store, cores.server, max(STREAMS), tell)
    subjects, rounds, notes = list(lineup.subjects), Rounds(), [*_NOTES, *lineup.notes]
    with held_to(cores.load), open_files(OPEN_FILES):
        for number in range(effort.of(*_ROUNDS)):
            for streams in STREAMS:
                for subject in in_turn(subjects, number):
                    tell(f"slow listeners, round {number + 1}: {streams:,} of {subject.name}")
                    own = folder / f"{number}-{streams}-{subject.name}"
                    try:
                        held = _turn(subject, store.blocks, streams, effort.of(*_LISTENED_S), own)
                    except BenchmarkError as error:
                        if subject.name == OURS:
                            raise
                        notes.append(f"{subject.name} was measured no further: {error}")
                        subjects.remove(subject)
                    else:
                        notes += _add(held, rounds, subject.name, streams)
    figures = rounds.figures()
    peers = [subject.name for subject in subjects if subject.name != OURS]
    return Measured(
        title="Slow listeners",
        figures=figures,
        ratios=tuple(_ratios(figures, peers)),
        promises=promises_of(figures, STREAMS),
        notes=tuple(dict.fromkeys(notes)),
        versions=lineup.versions,
    )


def _turn(subject: Subject, blocks: Sequence[MadeBlock], streams: int, seconds: float, folder: Path) -> Held:
    folder.mkdir()
    with subject.start(folder) as server:
        return hold(server, subject.headers, blocks, streams, seconds)


def _add(held: Held, rounds: Rounds, name: str, streams: int) -> list[str]:
    """Add what was seen to the rounds, and return what went wrong."""
    add = functools.partial(rounds.add, name, setting_of(streams))
    add(A_STREAM, "kB", held.stream_bytes / 1e3)
    add(IN_ALL, "MB", held.rss_most_bytes / 1e6)
    add(CPU, "1", held.cpu_share)
    add(OPEN, "1", held.open)
    add("late streams", "1", held.late)
    add("kernel's buffers a stream", "kB", held.kernel_bytes / streams / 1e3)
    return [f"{name}, {setting_of(streams)}: some failed: {failure}." for failure in held.failures]


def _ratios(figures: Sequence[Figure], peers: Sequence[str]) -> Iterator[Ratio]:
    """Yield ours over each peer's; none over what is not above zero: a few streams may fit into memory it had."""
    usable = {(one.subject, one.setting, one.quantity) for one in figures if min(one.values) > 0}
    for peer in peers:
        for quantity in (A_STREAM, CPU):
            for setting in map(setting_of, STREAMS):
                if (peer, setting, quantity) in usable:
                    yield ratio_of(figures, quantity, setting, OURS, peer)
