"""Blocks a second: the server's pre-generation and a bare client, by turns, from the same speech API."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.document import paragraphs
from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server, reference_server
from benchmarks.suite.bare_upstream import Asked, ask_in_a_process
from benchmarks.suite.made_ahead import Made, make_ahead, remove, upload
from benchmarks.suite.measured import Figure, Tell
from benchmarks.suite.peak_memory import PeakMemory
from benchmarks.suite.speech_stand_in import have_spoken, lateness_of, speech
from profiles.load import Upstream

OURS, BARE = "oomproof", "bare client"
NO_ALIGNER, EMBEDDED = "none", "embedded"
RATE, CPU, OVERHEAD, PEAK = "blocks a second", "CPU a block", "overhead a block", "peak RSS of all processes"


@dataclass(frozen=True)
class Pace:
    """What one rate is measured under.

    Attributes:
        latency: of the speech API in seconds, `0.5`, or `2-5` for a draw of each.
        concurrency: how many blocks at once.
        aligner: what times the words, as the setting `ALIGNER`.
        blocks: how many are made.
        rounds: how often, of either side.
    """

    latency: str
    concurrency: int
    aligner: str
    blocks: int
    rounds: int

    @property
    def setting(self) -> str:
        """What a report calls it."""
        latency = self.latency.replace("-", " to ")
        words = "without aligner" if self.aligner == NO_ALIGNER else "with aligner"
        return f"{self.concurrency} at once, latency {latency} s, {words}"


@dataclass(frozen=True)
class Round:
    """One round: what the server made, how much memory that took in all, and what the bare client asked for."""

    made: Made
    peak_mb: float
    asked: Asked


def measure_rate(pace: Pace, folder: Path, tell: Tell) -> tuple[list[Figure], str]:
    """Measures one pace, by turns, and returns its figures, and whether the API kept its latency, in a sentence.

    Raises:
        BenchmarkError: a server did not start or did not do its part.
    """
    texts, rounds = paragraphs(pace.blocks), []
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    settings = {"ALIGNER": pace.aligner, "PREPROCESS_CONCURRENCY": str(pace.concurrency)}
    with speech(folder / "upstream.log", pace.latency) as upstream:
        settings["API_BASE"] = upstream.base_url
        with reference_server(folder / "docstore", folder / "server.log", settings=settings) as server:
            for number in range(pace.rounds):
                tell(f"pre-generation, {pace.setting}: round {number + 1} of {pace.rounds}")
                rounds.append(_round(pace, number, texts, upstream, server, folder))
        lateness = lateness_of(upstream)
    shutil.rmtree(folder / "docstore", ignore_errors=True)
    return figures_of(pace, rounds), f"The speech API, {pace.setting}: {lateness}."


def figures_of(pace: Pace, rounds: list[Round]) -> list[Figure]:
    """Returns the figures of a pace's rounds.

    The overhead of a block is what its making takes beyond its asking: as `concurrency` are made at once, it is
    that many times the difference of the times between two blocks. With an aligner most of it is the wait for that one,
    and no overhead.
    """

    def figure(subject: str, quantity: str, unit: str, values: Iterable[float]) -> Figure:
        return Figure(subject, pace.setting, quantity, unit, tuple(values))

    found = [
        figure(OURS, RATE, "1/s", (one.made.blocks / one.made.seconds for one in rounds)),
        figure(BARE, RATE, "1/s", (one.asked.blocks / one.asked.seconds for one in rounds)),
        figure(OURS, CPU, "ms", (1000 * one.made.cpu_s / one.made.blocks for one in rounds)),
        figure(BARE, CPU, "ms", (1000 * one.asked.cpu_s / one.asked.blocks for one in rounds)),
        figure(OURS, PEAK, "MB", (one.peak_mb for one in rounds)),
    ]
    if pace.aligner == NO_ALIGNER:
        overheads = (1000 * overhead_s(one, pace.concurrency) for one in rounds)
        found.append(figure(OURS, OVERHEAD, "ms", overheads))
    return found


def overhead_s(one: Round, concurrency: int) -> float:
    """Returns the seconds that each block took longer to make than to ask for."""
    apart_s = one.made.seconds / one.made.blocks - one.asked.seconds / one.asked.blocks
    return concurrency * apart_s


def _round(
    pace: Pace, number: int, texts: list[str], upstream: Upstream, server: Server, folder: Path
) -> Round:
    name = f"round-{number}"
    upload(server.url, name, "\n\n".join(texts) + "\n")
    asked: Asked | None = None
    for side in (OURS, BARE) if number % 2 == 0 else (BARE, OURS):
        have_spoken(upstream, texts)
        if side == BARE:
            log = folder / f"bare-{number}.log"
            asked = ask_in_a_process(upstream.base_url, folder / "texts.json", pace.concurrency, log)
        else:
            pid = server.processes[0].pid
            with PeakMemory(pid) as peak:
                made = make_ahead(server.url, name, pid)
    assert asked is not None
    if made.blocks != len(texts):
        raise BenchmarkError(f"{server.url}: {made.blocks} chunks of {len(texts)} blocks")
    remove(server.url, name)
    return Round(made, peak.tree_mb, asked)
