"""Runs of the project's own readers in its own VM: the same readers, text and seeds, live and cached, at pace 1."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.servers import reference_server, within
from benchmarks.suite.listened import CACHED, Listened, listened
from profiles import processes
from profiles.errors import OomproofError, RunError
from profiles.load import NOBODYS, Documents, build_document, own_upstream, prepare_command
from profiles.machine import check_linux, check_vm_fits
from profiles.run import Bench, run_scenario
from profiles.run_folder import RunFolder
from profiles.scenario import Expectation, Scenario, SpeechUpstream, load_scenario, with_load
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm import check_privilege
from profiles.vm_size import PROJECT_FLY_TOML, VmSize, read_fly_toml

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
_AT_ONCE = SpeechUpstream(latency="0")
_MADE_WITHIN_S = 600.0


@dataclass(frozen=True)
class Reading:
    """What is read, and how long.

    Attributes:
        session_s: length of a session, from when the reader sits down; they do so within the first 5 s.
        chapters: how many, spread over the document.
        blocks: of each.
    """

    session_s: float
    chapters: int
    blocks: int


class Listening:
    """A VM's size, a document with its chunks made, and a speech API: what all runs share."""

    def __init__(self, bench: Bench, reading: Reading, folder: Path) -> None:
        self._bench = bench
        self._reading = reading
        self._folder = folder
        self._made = 0

    @property
    def vm_size(self) -> VmSize:
        """The VM around the server."""
        return self._bench.vm_size

    def run(self, mode: str, readers: int) -> Listened:
        """Has readers read in that mode, for a session or until the server ends, and returns what they heard.

        Raises:
            BenchmarkError: it could not be run.
        """
        self._made += 1
        folder = self._folder / f"{self._made:02d}-{mode}-{readers}"
        scenario = _of(mode, self._reading, readers)
        try:
            record = _run(scenario, self._bench, folder)
            return listened(RunFolder(folder).requests, record)
        except OomproofError as error:
            raise BenchmarkError(f"{mode}, {readers} readers: {error}") from error


@contextmanager
def listening(reading: Reading, folder: Path) -> Iterator[Listening]:
    """Makes the chunks that are read, starts the speech API at the latency of the scenarios, and ends it.

    Raises:
        BenchmarkError: this machine can make no VM, or the chunks could not be made.
    """
    work = (folder / "work").resolve()
    work.mkdir()
    try:
        size = read_fly_toml(PROJECT_FLY_TOML)
        check_linux()
        check_vm_fits(size)
        check_privilege()
        _CACHE.mkdir(exist_ok=True)
        documents = Documents(build_document(_CACHE / "document.pdf", _CACHE / "document.log"))
        bench = Bench(documents, NOBODYS, size, work, ends_at_death=True)
        _make_chunks(reading, documents, bench.store, folder / "chunks.log")
        with own_upstream(folder / "upstream.log", 1.0, 1, SpeechUpstream()) as upstream:
            yield Listening(replace(bench, upstream=upstream), reading, folder)
    except OomproofError as error:
        raise BenchmarkError(str(error)) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make_chunks(reading: Reading, documents: Documents, store: Path, log: Path) -> None:
    """Have the server make them, with the real aligner; the speech comes at once, which no reader notices."""
    load = _of(CACHED, reading, 1).load
    with (
        own_upstream(log, 1.0, load.seed, _AT_ONCE) as upstream,
        reference_server(store, log, settings={"API_BASE": upstream.base_url, "ALIGNERS": "1"}) as server,
    ):
        out = log.with_name("chapters.json")
        command = prepare_command(load, server.url, upstream, documents, out, pregenerate=True)
        process = processes.start(command, log)
        try:
            within(_MADE_WITHIN_S, "the chunks are not made", lambda: process.poll() is not None)
        finally:
            status = processes.stop(process)
    if status != 0:
        raise BenchmarkError(f"{log}: the chunks could not be made: {processes.last_line(log)}")


def _of(name: str, reading: Reading, readers: int) -> Scenario:
    scenario = with_load(
        load_scenario(name),
        readers=readers,
        pace=1.0,
        session_s=reading.session_s,
        chapters=reading.chapters,
        blocks=reading.blocks,
    )
    return scenario.model_copy(update={"expect": Expectation()})


def _run(scenario: Scenario, bench: Bench, folder: Path) -> VerdictRecord:
    try:
        return run_scenario(scenario, bench, folder, lambda _: None)
    except RunError:
        return judge(folder)
