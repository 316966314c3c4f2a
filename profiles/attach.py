"""A run that is attached to something that runs already: watched until it ends, or nobody wants to watch any more."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiles.attach_target import first_process
from profiles.attached import MEMBERS_FILE, Attachment
from profiles.attached_walls import AttachedWalls
from profiles.errors import OomproofError, Terminated
from profiles.event_log import EventLog
from profiles.pidfd import HeldProcess
from profiles.process_stat import read_stat
from profiles.process_tree import PROC
from profiles.report_text import count
from profiles.run_file import finish_run, write_watched_run
from profiles.run_folder import SAMPLE_COLUMNS
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm import Vm, recording
from profiles.vm_size import MIB, VmSize

ENDED = "the process ended"
TIME_OVER = "the time was over"
STOPPED = "watching was ended"
"""Why watching ended, as the run folder says it."""
TOLD_WITHIN_S = 2.0
"""By then the recorder has read the kernel's line about a kill, and a parent has taken its child's exit status."""
_LOOK_EVERY_S = 0.2
_LONGEST_LINE = 4096
_TOLD = frozenset({"what", "server_pid", "group_path", "by_tree", "shared"})
"""What `run.json` says of the target."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Until:
    """When watching ends by itself: after so many seconds, or with the process."""

    seconds: float | None = None
    exit: bool = False


def attach(attachment: Attachment, name: str, folder: Path, until: Until, tell: Tell) -> VerdictRecord:
    """Watch, into a new run folder, until it is over; return the verdict. Ctrl-C and SIGTERM end it well.

    Raises:
        OomproofError: nothing could be recorded.
    """
    folder.mkdir(parents=True)
    attachment.save(folder)
    _enter(attachment, folder)
    walls = AttachedWalls(attachment.name, folder)
    limit_bytes, cpus = walls.read().limit_bytes, os.cpu_count() or 1
    limit_mb = None if limit_bytes is None else limit_bytes // MIB
    limits: dict[str, object] = {
        "backend": walls.backend,
        "memory_mb": limit_mb,
        "cpus": cpus,
        "emulated": False,
    }
    limits["share_of_core"] = None
    target = {"kind": "attached", **{key: value for key, value in vars(attachment).items() if key in _TOLD}}
    scenario = watched_scenario(name, f"Attached to {attachment.what}.")
    write_watched_run(folder, scenario, limits, target=target)
    size = VmSize(limit_mb or 0, cpus, float(cpus))
    events = EventLog(folder)
    try:
        with recording(folder, walls, size) as vm:
            _Watch(attachment, vm, folder, events).run(until, tell)
    except OomproofError as error:
        events.write("failed", reason=str(error))
        raise
    finally:
        finish_run(folder)
        events.close()
    return judge(folder)


def watched_scenario(name: str, description: str) -> dict[str, object]:
    """Return what stands for a scenario in the run of something that was only watched: it is to survive."""
    expect = {"verdict": "survived"}
    return {
        "name": name,
        "description": description,
        "target": {},
        "load": {"kind": "none"},
        "expect": expect,
    }


def _enter(attachment: Attachment, folder: Path) -> None:
    """Note the process whose descendants are followed; a group lists its own."""
    if attachment.by_tree and attachment.server_pid is not None:
        stat = read_stat(PROC, attachment.server_pid)
        line = "" if stat is None else f"{stat.pid} {stat.start_ticks} root\n"
        (folder / MEMBERS_FILE).write_text(line, encoding="ascii")


class _Watch:
    """Looks at what is watched, and tells the recorder which process is the server."""

    def __init__(self, attachment: Attachment, vm: Vm, folder: Path, events: EventLog) -> None:
        self._attachment = attachment
        self._vm = vm
        self._folder = folder
        self._events = events
        self._server: HeldProcess | None = None
        self._deaths = 0
        self._peak_mb = 0.0

    def run(self, until: Until, tell: Tell) -> None:
        """Watch until it is over, and write why."""
        if self._attachment.server_pid is not None:
            self._follow(self._attachment.server_pid)
        self._await_sample()
        self._events.write("load_started")
        started, reason = time.monotonic(), STOPPED
        try:
            reason = self._look(until, started, tell)
        except (KeyboardInterrupt, Terminated):
            pass
        finally:
            if self._server is not None and self._server.has_ended():
                self._write_end(self._server, time.monotonic(), self._server.exit_status())
            oom_kills = self._vm.walls.read().oom_kills
            self._events.write("load_ended", reason=reason, oom_kills=oom_kills)
            if self._server is not None:
                self._server.close()

    def _await_sample(self) -> None:
        """Return once the recorder has seen the server as the server: what it took before is of no watching yet."""
        deadline = time.monotonic() + TOLD_WITHIN_S
        wanted = "processes" if self._server is None else "server_rss_bytes"
        while not last_sample(self._folder).get(wanted) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S / 10)

    def _look(self, until: Until, started: float, tell: Tell) -> str:
        while True:
            self._vm.check_recorder()
            elapsed_s = time.monotonic() - started
            if until.seconds is not None and elapsed_s >= until.seconds:
                return TIME_OVER
            if self._server is not None and self._server.has_ended():
                self._note_end(self._server)
                if self._attachment.by_tree or until.exit:
                    return ENDED
            elif self._server is None and (found := self._newcomer()) is not None:
                self._events.write("restarted" if self._deaths else "started", pid=found)
                self._follow(found)
            tell(f"{elapsed_s:4.0f} s  {self._held()}")
            time.sleep(_LOOK_EVERY_S)

    def _follow(self, pid: int) -> None:
        self._server = HeldProcess(pid)
        self._vm.tell(f"server {pid}")

    def _note_end(self, server: HeldProcess) -> None:
        """Write that the server ended, once its exit status and the kernel's line have had time to come."""
        t = time.monotonic()
        status = server.exit_status()
        while time.monotonic() < t + TOLD_WITHIN_S:
            status = server.exit_status() if status is None else status
            time.sleep(_LOOK_EVERY_S)
        self._write_end(server, t, status)

    def _write_end(self, server: HeldProcess, t: float, status: int | None) -> None:
        self._events.write("exited", t=t, returncode=status, pid=server.pid)
        server.close()
        self._server, self._deaths = None, self._deaths + 1

    def _newcomer(self) -> int | None:
        """Return the process that a group which lost its server has now, if any."""
        try:
            return first_process(self._vm.walls.pids(), set())
        except OSError:  # the group is gone, and may come back under its name
            return None

    def _held(self) -> str:
        """Return what the last sample says: how much the server and its children hold, and held at most."""
        row = last_sample(self._folder)
        parts = [row.get(name) for name in ("server_rss_bytes", "children_rss_bytes")]
        if not any(parts):
            return "no process" if row else "nothing measured yet"
        held_mb = sum(float(part or 0) for part in parts) / MIB
        self._peak_mb = max(self._peak_mb, held_mb)
        children = int(row.get("processes") or 0) - (1 if parts[0] else 0)
        return f"{held_mb:.0f} MB, at most {self._peak_mb:.0f} MB, {count(children, 'child', 'children')}"


def last_sample(folder: Path) -> dict[str, str]:
    """Return the last line of `samples.csv` by column; empty while there is none."""
    try:
        with (folder / "samples.csv").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE))
            lines = file.read().decode("ascii", "replace").split("\n")
    except OSError:
        return {}
    if len(lines) < 3:  # the heading, or nothing, and what was begun
        return {}
    return dict(zip(SAMPLE_COLUMNS, lines[-2].split(","), strict=False))
