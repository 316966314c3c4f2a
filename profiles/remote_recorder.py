"""A remote server watched through its Prometheus page: no kernel's log, no control group, what it says itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from profiles.attach import ENDED, STOPPED, TIME_OVER, Until, watched_scenario
from profiles.errors import OomproofError, RunError, Terminated
from profiles.event_log import EventLog
from profiles.remote_page import RESIDENT, Fetcher, Page, Remote, Unreachable, read_page
from profiles.run_file import finish_run, write_watched_run
from profiles.sample_writer import SampleWriter
from profiles.unmeasured import Unmeasured
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import MIB

__all__ = ["Remote", "check_page", "watch_remote"]

BACKEND = "remote"
INTERVAL_S = 1.0
SAME_START_S = 2.0
"""A start time that moves by less is the same start, told from a clock that was set."""
_SAYS = {
    "server_rss_bytes": RESIDENT,
    "cpu_s": "process_cpu_seconds_total",
    "server_fds": "process_open_fds",
}
"""What a page must say for a column not to stay empty."""


def watch_remote(
    remote: Remote, name: str, folder: Path, until: Until, tell: Callable[[str], None]
) -> VerdictRecord:
    """Watch, into a new run folder, until it is over; return the verdict. Ctrl-C and SIGTERM end it well.

    Raises:
        OSError: the folder cannot be written.
    """
    fetcher = Fetcher(remote)
    folder.mkdir(parents=True)
    vm: dict[str, object] = {"backend": BACKEND, "memory_mb": None, "cpus": None, "share_of_core": None}
    scenario = watched_scenario(name, f"Watched at {remote.address}.")
    target = {"kind": "remote", "what": remote.address}
    write_watched_run(folder, scenario, {**vm, "emulated": False}, target=target, machine={})
    events = EventLog(folder)
    try:
        RemoteRecorder(folder, fetcher, events).run(until, tell, urlsplit(remote.address).path)
    finally:
        finish_run(folder)
        events.close()
    return judge(folder)


def check_page(remote: Remote) -> None:
    """Ask for the page once, so that a mistake is found out before anything is written.

    Raises:
        OomproofError: it cannot be had, or says nothing of memory.
    """
    try:
        page = read_page(Fetcher(remote).fetch())
    except Unreachable as reason:
        raise RunError(f"{remote.address}: {reason}. See to --url, --metrics and --header.") from None
    if page.server_rss_bytes is None:
        raise OomproofError(
            f"{remote.address}: says no {RESIDENT}. Give the Prometheus page's path with --metrics."
        )


class RemoteRecorder:
    """Asks for the page once a second, and writes what it says as samples and events."""

    def __init__(self, folder: Path, fetcher: Fetcher, events: EventLog) -> None:
        self._fetcher = fetcher
        self._events = events
        self._samples = SampleWriter(folder, events)
        self._unmeasured = Unmeasured(events)
        self._last: Page | None = None
        self._cpu_before_s = 0.0
        """What the server's earlier processes had used: the column never falls."""
        self._failed_since: float | None = None
        self._failed = 0
        self._restarts = 0
        self._peak_mb = 0.0

    def run(self, until: Until, tell: Callable[[str], None], path: str) -> None:
        """Watch until it is over, and write why; `path` is the page's, which answers as long as the server does."""
        self._events.write("recording", kernel_log_readable=False)
        self._events.write("load_started")
        reason = STOPPED
        try:
            reason = self._watch(until, tell)
        except (KeyboardInterrupt, Terminated):
            pass
        finally:
            self._events.write("load_ended", reason=reason, oom_kills=None)
            self._events.write("health", ok=self._failed_since is None, path=path)
            self._samples.tell_lost()
            self._events.write("recorded", owner_gone=False, oom_kills=None, peak_vm_bytes=None)

    def _watch(self, until: Until, tell: Callable[[str], None]) -> str:
        due = started = time.monotonic()
        while True:
            self.look(max(0.0, time.monotonic() - due))
            elapsed_s = time.monotonic() - started
            if until.exit and self._restarts:
                return ENDED
            if until.seconds is not None and elapsed_s >= until.seconds:
                return TIME_OVER
            tell(f"{elapsed_s:4.0f} s  {self._told()}")
            due = max(due + INTERVAL_S, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    def look(self, late_s: float) -> None:
        """Ask once, and write what was said; a page that cannot be had is an event."""
        try:
            page = read_page(self._fetcher.fetch())
            if page.server_rss_bytes is None:
                raise Unreachable(f"the page says no {RESIDENT}")  # noqa: TRY301  # told as the others below
        except Unreachable as reason:
            self._fail(str(reason))
            return
        t = time.monotonic()
        if self._last is not None and restarted(self._last, page):
            self._note_restart(t)
        if self._failed_since is not None:
            self._events.write(
                "reachable", t=t, failed=self._failed, after_s=round(t - self._failed_since, 2)
            )
            self._failed_since, self._failed = None, 0
        self._last = page
        self._write(t, page, late_s)

    def _fail(self, reason: str) -> None:
        if self._failed_since is None:
            self._failed_since = time.monotonic()
            self._events.write("unreachable", t=self._failed_since, reason=reason)
        self._failed += 1

    def _note_restart(self, t: float) -> None:
        assert self._last is not None
        self._cpu_before_s += self._last.cpu_s or 0.0
        self._restarts += 1
        self._events.write("exited", t=self._failed_since or t, returncode=None, pid=None)
        self._events.write("restarted", t=t, pid=None)

    def _write(self, t: float, page: Page, late_s: float) -> None:
        values: dict[str, float | None] = {
            "t": t,
            "server_rss_bytes": _whole(page.server_rss_bytes),
            "children_rss_bytes": _whole(page.children_rss_bytes),
            "processes": None if page.children is None else 1 + int(page.children),
            "cpu_s": None if page.cpu_s is None else self._cpu_before_s + page.cpu_s,
            "server_fds": _whole(page.open_files),
            "late_s": late_s,
            "recorder_cpu_s": time.process_time(),
        }
        missing = {
            column: f"the page says no {name}" for column, name in _SAYS.items() if values[column] is None
        }
        self._unmeasured.note(missing, t)
        self._samples.write(values)

    def _told(self) -> str:
        if self._failed_since is not None:
            return f"no answer for {time.monotonic() - self._failed_since:.0f} s"
        page = self._last
        held_mb = (
            0.0 if page is None else ((page.server_rss_bytes or 0) + (page.children_rss_bytes or 0)) / MIB
        )
        self._peak_mb = max(self._peak_mb, held_mb)
        again = f", {self._restarts} restarts" if self._restarts else ""
        return f"{held_mb:.0f} MB, at most {self._peak_mb:.0f} MB{again}"


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def restarted(before: Page, now: Page) -> bool:
    """Whether the server was started anew between two pages: by its start time, else by a counter that fell."""
    if before.started_s is not None and now.started_s is not None:
        return abs(now.started_s - before.started_s) > SAME_START_S
    return before.cpu_s is not None and now.cpu_s is not None and now.cpu_s < before.cpu_s
