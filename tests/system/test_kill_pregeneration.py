"""SIGKILL at any moment of pre-generation: nothing damaged is served, nothing is lost, nothing is paid for twice.

`KILLS=100 pytest -s` (`make kills`) kills a hundred times; `SEED` draws other moments.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas
from tinytag import TinyTag

if TYPE_CHECKING:  # the tests are no package: at run time the fixtures give what these name
    from tests.server_process import Answer, Job, ServerProcess
    from tests.system.conftest import KillStart, SpeechUpstream, StartServer, StartUpstream

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "10"))
SEED = int(os.environ.get("SEED", "1"))
CONCURRENCY = 4
IN_FLIGHT = 2 * CONCURRENCY
"""So many blocks are asked for, spoken or timed and not stored yet: as many wait for the aligner as are asked for."""
PAGES = max(40, 5 * KILLS // 2)
LONGEST_ROUND_S = 6.0
"""Kills are drawn from this time since the job's start: its first chunk takes about two seconds."""
AT_THE_END_S = 0.01
"""Kills at the end of a job are drawn from this time since its last chunk: the list of chunks is written then."""
LONGEST_START_S = 1.5
"""Kills of a server that starts are drawn from this time: it takes about a second until it listens."""
SHARE_AT_THE_END = 0.25
SHARE_OF_STARTS = 0.25
"""How often the next start is killed as well, while it may be repairing the store."""
SHARE_OF_GROUPS = 0.5
RESERVE = 2 * IN_FLIGHT
"""Blocks left for after the last kill, so that each kill hits a job that is not done."""
BEFORE_FIRST = "before the round's first chunk"
BETWEEN = "between chunks"
AFTER_LAST = "after the job's last chunk"
MOMENTS = (BEFORE_FIRST, BETWEEN, AFTER_LAST)

DOCUMENT = "killed"
FOLDER = Path("tts_cache_v1") / DOCUMENT
CREATED_AT = re.compile(rb'"createdAt": ?("[^"]*"|\d+)')
WORDS = ("river", "stone", "window", "garden", "letter", "winter", "summer", "table", "music", "silver")


@dataclass(frozen=True)
class Block:
    """A block as the server cuts it; `ordinal` counts them all, from 1."""

    ordinal: int
    page: int
    index: int
    text: str

    @property
    def query(self) -> str:
        """What asks for its chunk."""
        return f"documentId={DOCUMENT}&page={self.page}&blockIndex={self.index}"

    @property
    def path(self) -> Path:
        """Where its chunk's MP3 is below a document store."""
        name = f"{self.ordinal:04d}__page-{self.page:03d}__block-{self.index:03d}.mp3"
        return FOLDER / "chunks" / name


def pdf() -> bytes:
    """A PDF whose blocks all differ: one short sentence a page, and three long ones on every tenth."""
    draw = random.Random("text")
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=1)
    for page in range(1, PAGES + 1):
        sentences, words = (3, 40) if page % 10 == 0 else (1, 8)
        at = 550
        for number in range(1, sentences + 1):
            drawn = draw.choices(WORDS, k=words)
            lines = [" ".join(drawn[i : i + 8]) for i in range(0, words, 8)]
            for line in [f"Page {page} says in sentence {number}", *lines[:-1], f"{lines[-1]}."]:
                canvas.drawString(40, at, line)
                at -= 14
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@dataclass
class Figures:
    """What came of the kills; `made_again` are calls for a text that was asked for in an earlier round."""

    moments: list[str] = field(default_factory=list)
    outside: int = 0
    groups: int = 0
    starts: int = 0
    hidden: int = 0
    checked: int = 0
    most_lost: int = 0
    made_again: int = 0
    calls: int = 0

    def table(self, blocks: int) -> str:
        """All of it, one figure a line; damage and children left have failed the test before this."""
        inside = len(self.moments)
        kills = inside + self.outside
        rows = {
            "moments": f"uniform in {LONGEST_ROUND_S:g} s of a job or until its share of the chunks is made; "
            f"{SHARE_AT_THE_END:.0%} within {AT_THE_END_S * 1000:g} ms of a job's last chunk",
            "kills": f"{kills} with SIGKILL ({self.groups} of the process group), seed {SEED}",
            "inside pre-generation": inside,
            **{f"  {moment}": self.moments.count(moment) for moment in MOMENTS},
            "kills of a start besides": self.starts,
            "hidden files that kills left": self.hidden,
            "blocks": blocks,
            "calls of the upstream": f"{self.calls}, at most {blocks} + {kills} x {IN_FLIGHT} allowed",
            "made twice": f"{self.made_again}, at most {self.most_lost} a kill ({IN_FLIGHT} allowed)",
            "chunks checked after kills": self.checked,
            "damaged": 0,
            "children that outlived their server": 0,
        }
        return "".join(f"{name:42} {value}\n" for name, value in rows.items())


class Proof:
    """The document that is made while its server is killed, and what is known of it from outside."""

    def __init__(self, docstore: Path, upstream: SpeechUpstream, start: StartServer) -> None:
        self.docstore = docstore
        self._upstream = upstream
        self._start = start
        self.blocks: list[Block] = []
        self.stored: frozenset[str] = frozenset()

    def server(self, key: str) -> ServerProcess:
        """Start the server whose calls are known by this key."""
        settings = {"API_BASE": f"http://127.0.0.1:{self._upstream.port}/v1", "API_KEY": key}
        settings["PREPROCESS_CONCURRENCY"] = str(CONCURRENCY)
        return self._start(self.docstore, STORE_SWEEP_S="1", **settings)

    def upload(self, server: ServerProcess) -> None:
        """Store the document, and note how it is cut."""
        server.upload(DOCUMENT, pdf())
        ordinal = count(1)
        for page in range(1, PAGES + 1):
            answer = server.ask("GET", f"/api/documents/{DOCUMENT}/pages/{page}/blocks")
            found = answer.json["blocks"]
            assert isinstance(found, list)
            self.blocks += [Block(next(ordinal), page, each["blockIndex"], each["text"]) for each in found]
        assert len({block.text for block in self.blocks}) == len(self.blocks)

    def calls(self, key: str) -> list[str]:
        """The texts that were asked for with this key."""
        return [call["text"] for call in self._upstream.calls("begun") if call["key"] == key]

    def served(self, server: ServerProcess) -> frozenset[str]:
        """Return the texts of all blocks that the server serves, each of which was found whole and right."""
        sounds = self._sounds()
        served, damage = set(), []
        for block in self.blocks:
            chunk = server.ask("GET", f"/api/tts/chunk?{block.query}")
            timings = server.ask("GET", f"/api/tts/timings?{block.query}")
            if chunk.status == timings.status == 404:
                continue
            served.add(block.text)
            sidecar = json.loads((self.docstore / block.path).with_suffix(".json").read_bytes())
            wrong = [*faults(block, chunk, sidecar, sounds), *timing_faults(block, timings, sidecar)]
            damage += [f"page {block.page}, block {block.index}: {fault}" for fault in wrong]
        assert not damage, damage
        return frozenset(served)

    def _sounds(self) -> dict[str, str]:
        made = self._upstream.calls("made")
        sounds = {call["text"]: call["sha256"] for call in made}
        assert all(sounds[call["text"]] == call["sha256"] for call in made), "one text, two sounds"
        return sounds

    def hidden(self) -> int:
        """How many files there are that have no name yet."""
        return sum(path.is_file() for path in (self.docstore / "tts_cache_v1").rglob(".*"))

    def files(self) -> dict[str, bytes]:
        """All files of the document's chunks by name, and what is in them but the time they were made."""
        root = self.docstore / "tts_cache_v1"
        return {
            str(path.relative_to(root)): CREATED_AT.sub(b"", path.read_bytes())
            for path in root.rglob("*")
            if path.is_file()
        }


def faults(block: Block, chunk: Answer, sidecar: dict[str, Any], sounds: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a chunk that is served."""
    if chunk.status != 200:
        yield f"its timings are served, it is not: {chunk.status}"
        return
    digest = sha256(chunk.body).hexdigest()
    if chunk.headers["etag"] != f'"{digest}"':
        yield f"ETag {chunk.headers['etag']} for a body of {digest}"
    if sidecar["sizeBytes"] != len(chunk.body):
        yield f"{len(chunk.body)} bytes, in its sidecar {sidecar['sizeBytes']}"
    duration_s = TinyTag.get(filename="chunk.mp3", file_obj=io.BytesIO(chunk.body)).duration
    if not duration_s or duration_s != sidecar["duration"]:
        yield f"an MP3 of {duration_s} s, in its sidecar {sidecar['duration']} s"
    if digest != sounds.get(block.text):
        yield "not what the upstream said for its text"
    if sidecar["text"] != block.text:
        yield f"text {sidecar['text']!r} in its sidecar"


def timing_faults(block: Block, timings: Answer, sidecar: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the timings of a chunk that is served."""
    if timings.status != 200:
        yield f"it is served, its timings are not: {timings.status}"
        return
    sentence = json.loads(timings.body)["alignments"][0]
    if sentence["sentence"] != block.text:
        yield f"timings of {sentence['sentence']!r}"
    words, latest_s = sentence["words"], 0.0
    if len(words) < len(block.text.split()) // 2:
        yield f"only {len(words)} of {len(block.text.split())} words have a time"
    for word in words:
        if block.text[word["charStart"] : word["charEnd"]] != word["text"]:
            yield f"word {word['text']!r} is not at {word['charStart']} of its text"
        if not latest_s <= word["startSec"] <= word["endSec"] <= sidecar["duration"]:
            yield f"word {word['text']!r} at {word['startSec']}-{word['endSec']} s of {sidecar['duration']} s"
        latest_s = word["startSec"]


def disturb(proof: Proof, server: ServerProcess, draw: random.Random, kills_left: int) -> Job:
    """Start a job, and return at a moment of it."""
    missing = [block for block in proof.blocks if block.text not in proof.stored]
    spare = len(missing) - RESERVE
    assert spare > 0, f"{kills_left} kills are left, and no block to be made meanwhile: more PAGES are needed"
    if draw.random() < SHARE_AT_THE_END:
        page = [block for block in proof.blocks if block.page == missing[0].page]
        job = server.preprocess(DOCUMENT, [missing[0].page])
        job.wait(done=len(page))
        job.wait(draw.uniform(0, AT_THE_END_S))
    else:
        enough = len(proof.stored) + max(1, 3 * spare // (2 * kills_left))
        moment_s = draw.uniform(0, LONGEST_ROUND_S)
        job = server.preprocess(DOCUMENT, "all")
        job.wait(moment_s, done=enough)
    return job


def kill(proof: Proof, server: ServerProcess, draw: random.Random, figures: Figures) -> None:
    """Kill the server at a moment drawn of its pre-generation, and count what that was."""
    job = disturb(proof, server, draw, KILLS - len(figures.moments))
    group = draw.random() < SHARE_OF_GROUPS
    server.kill(group=group)
    job.finish()
    figures.groups += group
    figures.hidden += proof.hidden()
    if not job.is_running:
        figures.outside += 1
    elif job.done and job.done == job.last["total"]:
        figures.moments.append(AFTER_LAST)
    else:
        figures.moments.append(BETWEEN if job.done > len(proof.stored) else BEFORE_FIRST)


def judge(proof: Proof, served: frozenset[str], key: str, earlier: set[str], figures: Figures) -> None:
    """Compare what is served after a kill with what was asked of the upstream before it."""
    calls = proof.calls(key)
    assert len(set(calls)) == len(calls), "asked for twice without a kill in between"
    assert not proof.stored & set(calls), "asked for although it was stored"
    assert proof.stored <= served, "stored chunks are gone"
    assert served - proof.stored <= set(calls), "chunks that nobody asked for"
    figures.most_lost = max(figures.most_lost, len(set(calls) - served))
    assert figures.most_lost <= IN_FLIGHT, "more is lost than was in flight"
    figures.made_again += len(earlier & set(calls))
    figures.calls += len(calls)
    figures.checked += len(served)
    proof.stored = served
    earlier |= set(calls)


def undisturbed(docstore: Path, upstream: SpeechUpstream, start: StartServer) -> Proof:
    """Make the whole document without a kill."""
    proof = Proof(docstore, upstream, start)
    server = proof.server("undisturbed")
    proof.upload(server)
    job = server.preprocess(DOCUMENT, "all")
    job.finish()
    assert job.last["state"] == "done", job.last
    assert sorted(proof.calls("undisturbed")) == sorted(block.text for block in proof.blocks)
    server.kill()
    assert not server.left()
    return proof


def test_kills_damage_nothing_lose_nothing_and_pay_nothing_twice(
    tmp_path: Path, start_server: StartServer, start_upstream: StartUpstream, kill_start: KillStart
) -> None:
    """GIVEN a server killed again and again while it makes a document THEN the store ends as if it never was.

    After each kill every chunk served is whole, is its block's, and none that was served before is gone; at
    most what was in flight is made again, and no child outlives its server by much.
    """
    upstream = start_upstream(0.1, 1.0)
    expected = undisturbed(tmp_path / "undisturbed", upstream, start_server)
    proof = Proof(tmp_path / "killed", upstream, start_server)
    draw, figures, earlier = random.Random(SEED), Figures(), set[str]()
    server = proof.server("round 0")
    proof.upload(server)
    for number in count(1):
        kill(proof, server, draw, figures)
        if draw.random() < SHARE_OF_STARTS:
            kill_start(proof.docstore, draw.uniform(0, LONGEST_START_S))
            figures.starts += 1
        killed, server = server, proof.server(f"round {number}")
        judge(proof, proof.served(server), f"round {number - 1}", earlier, figures)
        assert not killed.left(), "children outlive their server"
        if len(figures.moments) == KILLS:
            break
    job = server.preprocess(DOCUMENT, "all")
    job.finish()
    assert job.last["state"] == "done", job.last
    judge(proof, proof.served(server), f"round {number}", earlier, figures)
    sys.stdout.write(f"\n{figures.table(len(proof.blocks))}")
    assert len(proof.stored) == len(proof.blocks) == len(expected.blocks)
    assert figures.calls <= len(proof.blocks) + number * IN_FLIGHT
    compare(proof, expected)


def compare(proof: Proof, expected: Proof) -> None:
    """The store is the plan's, whole, with nothing besides, and as it would be without a kill."""
    files = proof.files()
    chunks = [str(block.path.relative_to(FOLDER.parent)) for block in proof.blocks]
    sidecars = [chunk.replace(".mp3", ".json") for chunk in chunks]
    assert sorted(files) == sorted([f"{DOCUMENT}/tts.meta.json", *chunks, *sidecars])
    meta = json.loads((proof.docstore / FOLDER / "tts.meta.json").read_bytes())
    listed = [(each["page"], each["blockIndex"], each["text"], each["fileName"]) for each in meta["chunks"]]
    assert listed == [(block.page, block.index, block.text, block.path.name) for block in proof.blocks]
    assert files == expected.files()
