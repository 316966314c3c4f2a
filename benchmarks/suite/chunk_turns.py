"""One subject's turn at chunk serving: asked in one way for some seconds, and what that cost it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.servers import Server
from benchmarks.suite import wrk
from benchmarks.suite.chunk_promises import CPU, RATE, RSS
from benchmarks.suite.chunk_requests import Way, check, known_etags
from benchmarks.suite.made_store import MadeBlock
from benchmarks.suite.peers import Subject
from benchmarks.suite.process_cost import ProcessCost
from benchmarks.suite.rounds import Rounds
from benchmarks.suite.wrk_script import write_script


@dataclass(frozen=True)
class Running:
    """A subject that has started.

    Attributes:
        name: what the report calls it.
        url: of its server.
        cost: of its server.
        scripts: what wrk is to ask in each way.
        body_bytes: how long the body of an answer is on average, in each way.
    """

    name: str
    url: str
    cost: ProcessCost
    scripts: Mapping[Way, Path]
    body_bytes: Mapping[Way, float]


def prepare(
    subject: Subject, server: Server, blocks: Sequence[MadeBlock], ways: Sequence[Way], folder: Path
) -> Running:
    """Ask a server for each block once, and once in each way; write the scripts of these ways into the folder.

    Raises:
        BenchmarkError: it does not answer as it should.
    """
    etags = known_etags(server.url, blocks, subject.headers)
    scripts = {}
    for number, way in enumerate(ways):
        requests = [
            way.request(block, etag, subject.headers) for block, etag in zip(blocks, etags, strict=True)
        ]
        check(server.url, way, blocks[0], requests[0])
        scripts[way] = folder / f"{number}.lua"
        write_script(scripts[way], requests)
    body_bytes = {way: fmean(map(way.body_bytes, blocks)) for way in ways}
    return Running(subject.name, server.url, ProcessCost.of(server), scripts, body_bytes)


def take_turn(one: Running, way: Way, load: wrk.Load, rounds: Rounds) -> list[str]:
    """Ask in one way, add what is seen to the rounds, and return what went wrong.

    Raises:
        BenchmarkError: wrk failed, the server refused, or is gone.
    """
    rss_bytes = [one.cost.rss_bytes()]
    before_s = one.cost.cpu_s()
    answers = wrk.ask(
        load,
        one.url,
        one.scripts[way],
        connections=way.connections,
        meanwhile=lambda: rss_bytes.append(one.cost.rss_bytes()),
    )
    cpu_s = one.cost.cpu_s() - before_s
    count = answered(answers, one.body_bytes[way])
    add = functools.partial(rounds.add, one.name, way.setting)
    add(RATE, "1/s", count / answers.duration_s)
    add(CPU, "us", cpu_s / count * 1e6)
    add("share of the core", "1", cpu_s / answers.duration_s)
    add("p50", "ms", answers.p50_ms)
    add("p99", "ms", answers.p99_ms)
    add(RSS, "MB", max(rss_bytes) / 1e6)
    return [f"{one.name}, {way.setting}: {many} errors ({kind})." for kind, many in answers.errors.items()]


def answered(answers: wrk.Answers, body_bytes: float) -> float:
    """Return how many answers came; of those under way at the end the part that came, where they have a body.

    With 256 connections and a slow server many are under way when time is up: left out, it would look slower. Heads
    are a thousandth of what comes with a body.
    """
    return answers.read_bytes / body_bytes if body_bytes else answers.requests
