"""`oomproof soak` as a process, against the stand-in: started, awaited by what it writes, its memory watched."""

from __future__ import annotations

import contextlib
import csv
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from profiles import processes
from profiles.run_folder import Event, RunFolder
from profiles.vm_size import MIB

LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Held:
    """What the soak held at one moment, in MB: its own process, and the readers that it started."""

    t: float
    own_mb: float
    readers_mb: float


@dataclass
class Soak:
    """A running soak; `out` is its folder."""

    process: subprocess.Popen[bytes]
    out: Path
    log: Path
    held: list[Held] = field(default_factory=list)

    @property
    def folder(self) -> RunFolder:
        """Its run folder, read anew."""
        return RunFolder(next(self.out.rglob("run.json")).parent)

    def named(self, event: str) -> list[Event]:
        """Its events of one name; none while there is no folder."""
        return self.folder.named(event) if self.is_begun else []

    @property
    def is_begun(self) -> bool:
        """Whether there is a run folder."""
        return next(self.out.rglob("run.json"), None) is not None

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def look(self) -> None:
        """Note what it holds now."""
        with contextlib.suppress(psutil.Error):
            own = psutil.Process(self.process.pid)
            below = sum(child.memory_info().rss for child in own.children(recursive=True))
            self.held.append(Held(time.monotonic(), own.memory_info().rss / MIB, below / MIB))

    def await_that(self, condition: Callable[[], object], within_s: float) -> None:
        """Return once the condition holds, the soak still running; its memory is noted meanwhile."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert self.process.poll() is None, f"the soak ended: {self.said}"
            assert time.monotonic() < deadline, f"waited too long: {self.said}"
            self.look()
            time.sleep(LOOK_EVERY_S)

    def ended(self, within_s: float) -> int:
        """Return its exit code once it has ended by itself; its memory is noted meanwhile."""
        deadline = time.monotonic() + within_s
        while (status := self.process.poll()) is None:
            assert time.monotonic() < deadline, f"it does not end: {self.said}"
            self.look()
            time.sleep(LOOK_EVERY_S)
        return status

    def interrupt(self, within_s: float = 60.0) -> int:
        """End it as Ctrl-C does, and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(within_s)

    def verdict(self) -> dict[str, Any]:
        """Its verdict, as it wrote it."""
        found: dict[str, Any] = json.loads((self.folder.path / "verdict.json").read_text(encoding="utf-8"))
        return found

    def rose_mb(self) -> float:
        """By how much its own process held more in the last quarter of its life than in the third, by the medians."""
        own = [held.own_mb for held in self.held]
        quarter = len(own) // 4
        assert quarter >= 4, "too short a life to tell"
        return statistics.median(own[-quarter:]) - statistics.median(own[-2 * quarter : -quarter])

    def write_held(self, path: Path) -> None:
        """Write what it held as CSV."""
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("t", "own_mb", "readers_mb"))
            first = self.held[0].t if self.held else 0.0
            rows.writerows(
                (f"{one.t - first:.1f}", f"{one.own_mb:.2f}", f"{one.readers_mb:.2f}") for one in self.held
            )


@contextlib.contextmanager
def soaking(out: Path, environment: Mapping[str, str], *options: str) -> Iterator[Soak]:
    """Run `oomproof soak` with these options; it and its readers end with the block."""
    log = out.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "profiles.cli", "soak", *options]
    process = processes.start(command, log, environment=environment)
    try:
        yield Soak(process, out, log)
    finally:
        processes.stop(process, 30.0)
