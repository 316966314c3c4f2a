"""One scenario, run: VM, target, preparation, load, restarts, and everything stopped at the end."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.build import THIS_TREE, Build
from profiles.docstore import make_docstore
from profiles.errors import EXIT_USAGE, OomproofError, RunError
from profiles.event_log import EventLog
from profiles.health import healthy
from profiles.heap import report_heap
from profiles.heap_capture import capture_path
from profiles.load import Documents, Upstream, load_command, load_environment, prepare_command
from profiles.recorder import SAMPLE_HZ
from profiles.request_figures import AUDIO_KINDS
from profiles.request_tail import RequestTail
from profiles.run_file import finish_run, update_run, write_run
from profiles.scenario import COMMAND, Scenario
from profiles.target import MOST_RESTARTS, RECORDED_WITHIN_S, Server
from profiles.target_command import check_port_free, with_port
from profiles.trim import offer_trim
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm import Vm, open_vm
from profiles.vm_size import MIB, VmSize
from profiles.waves import longest_s, waves_command

INTERRUPTED = "interrupted"
TOO_LONG = "it took too long"
SHOWN = "the server ended, was restarted, and served a block again"
SESSIONS_END = "the sessions' end"
COMMAND_END = "its command ended"
DIED = "the server ended"
GAVE_UP = f"the server ended again after {MOST_RESTARTS} restarts"
"""Why the load ended, as the run folder says it."""
GRACE_S = 60.0
"""How long the load may take beyond its session before it is stopped and the run called invalid."""
PREPARED_WITHIN_S = 900.0
"""Documents of a hundred chapters have their speech in a few minutes; what takes longer hangs."""

Tell = Callable[[str], None]
"""Shows a person what is going on."""


@dataclass(frozen=True)
class Bench:
    """What the runs of a comparison share."""

    documents: Documents
    upstream: Upstream
    vm_size: VmSize
    work: Path
    memray: bool = False
    ends_at_death: bool = False
    """Whether a run is over as soon as its server has ended, whatever the scenario expects."""
    waves: int = 1
    """How often the load is played, one time after the other."""
    backend: str | None = None
    """What builds the VM's walls; None is the best that this machine offers."""
    sample_hz: float = SAMPLE_HZ
    """Samples a second."""
    trim: str | None = None
    """How the target is made to give back what its allocator keeps, after the load; None: it is not."""
    build: Build = THIS_TREE
    """The state of the reference server that runs where the scenario's target has no command of its own."""

    @property
    def store(self) -> Path:
        """Where pre-generation leaves its chunks, for the scenarios that read them."""
        return self.work / "pregenerated"


def run_scenario(scenario: Scenario, bench: Bench, folder: Path, tell: Tell) -> VerdictRecord:
    """Run a scenario once into `folder` and return its verdict.

    Raises:
        OomproofError: nothing could be run; everything started was stopped.
    """
    folder.mkdir(parents=True, exist_ok=False)
    events = EventLog(folder)
    size = scenario.vm_size(bench.vm_size)
    write_run(folder, scenario, size, bench.upstream.described, memray=bench.memray)
    docstore = make_docstore(scenario, bench.store, bench.work, folder.name)
    try:
        with open_vm(folder, size, scenario.vm.balance_s, bench.backend, sample_hz=bench.sample_hz) as vm:
            update_run(folder, vm=vm.described, **_build(scenario, bench))
            server = _server(vm, scenario, bench, folder, docstore, events)
            server.start()
            if scenario.load.reads:
                _prepare(scenario, bench, server, folder, events, tell)
            _drive(scenario, bench, server, folder, events, tell)
            alive = server.ended() is None
            events.write("health", ok=alive and healthy(server.url, server.health), path=server.health)
            offer_trim(server, bench.trim, events, tell)
            server.stop()
    except OomproofError as error:
        if not isinstance(error, RunError):  # a mistake of the user's: what was not measured leaves no run
            shutil.rmtree(folder, ignore_errors=True)
            raise
        events.write("failed", reason=str(error))
        raise
    finally:
        if folder.exists():
            finish_run(folder)
        events.close()
        if docstore != bench.store:
            shutil.rmtree(docstore, ignore_errors=True)
    if bench.memray:
        report_heap(folder, tell)
    return judge(folder)


def _build(scenario: Scenario, bench: Bench) -> dict[str, object]:
    """Which state of our own server is run; of another nothing is known."""
    return {} if scenario.target.command is not None else {"build": bench.build.described}


def _server(
    vm: Vm, scenario: Scenario, bench: Bench, folder: Path, docstore: Path, events: EventLog
) -> Server:
    target, api = scenario.target, bench.upstream
    if target.port is not None:
        check_port_free(target.port)
    port = target.port or processes.free_port()
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "DOCSTORE_DIR": str(docstore)}
    if api.base_url:
        settings |= {"API_BASE": api.base_url, "API_KEY": api.key}
    if target.command is None:
        command, settings = bench.build.command(), settings | bench.build.environment()
    else:
        command = with_port(target.command, port)
    settings |= target.environment
    heap = capture_path(folder) if bench.memray else None
    log, health = folder / "server.log", target.health_path
    return Server(vm, command, port, log, settings, events, heap, health=health)


def _prepare(
    scenario: Scenario, bench: Bench, server: Server, folder: Path, events: EventLog, tell: Tell
) -> None:
    log = folder / "load.log"
    chapters = folder / "chapters.json"
    tell("uploading the document, having its speech ready")
    command = prepare_command(scenario.load, server.url, bench.upstream, bench.documents, chapters)
    process = processes.start(command, log)
    deadline = time.monotonic() + PREPARED_WITHIN_S
    try:
        while process.poll() is None:
            if (status := server.ended()) is not None:
                raise RunError(f"server: ended with status {status} before the readers came. See server.log.")
            if time.monotonic() > deadline:
                said = processes.last_line(log)
                raise RunError(f"preparation: not done within {PREPARED_WITHIN_S:g} s: {said}. See load.log.")
            time.sleep(0.1)
    finally:
        processes.stop(process)
    if process.returncode != 0:
        kind = OomproofError if process.returncode == EXIT_USAGE else RunError
        raise kind(f"preparation: {processes.last_line(log)}")
    update_run(folder, **_document_facts(chapters))
    events.write("prepared")


def _drive(
    scenario: Scenario, bench: Bench, server: Server, folder: Path, events: EventLog, tell: Tell
) -> None:
    """Send the load until it ends, or until a scenario that is expected to die has shown what it should."""
    command = load_command(scenario, server.url, bench.upstream, bench.documents, folder)
    if bench.waves > 1:
        command = waves_command(command, folder, bench.waves)
    tail = RequestTail(folder / "requests.csv", AUDIO_KINDS if scenario.load.reads else None)
    counted = bench.upstream.counts()
    server.vm.checkpoint("before")
    events.write("load_started")
    started = time.monotonic()
    environment = load_environment(scenario, server.url, folder)
    process = processes.start(command, folder / "load.log", environment=environment)
    reason = INTERRUPTED
    try:
        server.vm.tell(f"load {process.pid}")
        while process.poll() is None:
            if time.monotonic() - started > longest_s(_longest_s(scenario), bench.waves):
                reason = TOO_LONG
                break
            bench.upstream.check()
            if (over := _watch(scenario, bench, server, tail, events)) is not None:
                reason = over
                break
            tell(_status(server, started) + _made_so_far(scenario, folder / "load.log"))
            time.sleep(0.1)
        else:
            reason = SESSIONS_END if scenario.load.reads else COMMAND_END
    finally:
        own_end = process.poll() is not None
        status = processes.stop(process)
        if reason not in (DIED, GAVE_UP) and server.ended() is not None:  # it took its load with it
            events.write("exited", returncode=server.ended(), pid=server.pid)
        oom_kills = server.vm.walls.read().oom_kills
        events.write("load_ended", reason=reason, returncode=status if own_end else None, oom_kills=oom_kills)
    server.vm.checkpoint("after")
    rose = {f"upstream_{key}": value - counted.get(key, 0) for key, value in bench.upstream.counts().items()}
    events.write("upstream", **rose)


def _longest_s(scenario: Scenario) -> float:
    load = scenario.load
    if load.kind in ("readers", COMMAND):
        return load.sessions * load.session_s / load.pace + GRACE_S
    return 1800.0


def _watch(
    scenario: Scenario, bench: Bench, server: Server, tail: RequestTail, events: EventLog
) -> str | None:
    """Restart a server that ended; return why the run is over once it has shown what it should."""
    server.vm.check_recorder()
    status = server.ended()
    if status is not None:
        events.write("exited", returncode=status, pid=server.pid)
        if bench.ends_at_death:
            time.sleep(RECORDED_WITHIN_S)
            return DIED
        if server.restarts >= MOST_RESTARTS:
            return GAVE_UP
        server.restart()
    elif server.became_ready():
        tail.await_block(after=time.monotonic())
    elif tail.served():
        events.write("serving_again")
        return SHOWN if scenario.ends_after_kill else None
    return None


def _status(server: Server, started: float) -> str:
    reading = server.vm.walls.read()
    used_mb = (reading.vm_bytes or 0) / MIB
    children = max(0, len(server.vm.walls.pids()) - 1)
    killed = f", {reading.oom_kills} killed" if reading.oom_kills else ""
    return f"{time.monotonic() - started:4.0f} s  VM {used_mb:5.0f} MB, {children:2d} children{killed}"


def _made_so_far(scenario: Scenario, log: Path) -> str:
    """Return how far a pre-generation is, in its own words: it takes minutes before the first reader."""
    return f", {processes.last_line(log)}" if scenario.load.kind == "pregenerate" else ""


def _document_facts(chapters: Path) -> dict[str, object]:
    found = json.loads(chapters.read_text(encoding="utf-8"))
    return {"document_sha256": found["documentSha256"], "document_pages": found["pages"]}
