"""The real server in a real VM, as a machine's guest: a volume that stays, a root that does not."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from profiles.target import INHERITED
from profiles.vm import Vm
from tests.fly.machine import Kill

COMMAND = (sys.executable, "-m", "reference_server")
CENTISECONDS = 100.0
"""Fly tells CPU balance and throttling in hundredths of a second (its dashboards divide; not in its documentation)."""


class Tail:
    """The whole lines that were appended to a file since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def lines(self) -> list[str]:
        """Return them; none while there is no file."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
            self._offset += len(new)
            *whole, self._rest = (self._rest + new).split(b"\n")
            return [line.decode("utf-8", "replace") for line in whole]
        return []


class VmGuest:
    """Starts the server in a VM that the recorder of `folder` watches, with `volume` as its only lasting place."""

    def __init__(
        self,
        vm: Vm,
        folder: Path,
        volume: Path,
        settings: Mapping[str, str],
        *,
        volume_mb: int,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._vm, self._volume, self._volume_mb = vm, volume, volume_mb
        self._command, self._settings = command, settings
        self._root = folder / "root"
        self._log = folder / "server.log"
        self._printed, self._happened = Tail(self._log), Tail(folder / "events.jsonl")
        self._samples = Tail(folder / "samples.csv")
        self._columns: list[str] = []
        self._last: deque[str] = deque(maxlen=1)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server on a root that is as the image left it: empty."""
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir()
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"HOME": str(self._root), "TMPDIR": str(self._root), "DOCSTORE_DIR": str(self._volume)}
        self._process = self._vm.start_server(
            self._command, self._log, {**inherited, **self._settings, **own}
        )

    def ended(self) -> int | None:
        """Return its exit status once it has ended."""
        return None if self._process is None else self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def clear(self) -> None:
        """End what outlived it, and forget its root."""
        self._vm.empty()
        shutil.rmtree(self._root, ignore_errors=True)

    def kills(self) -> list[Kill]:
        """Return the kernel's kills in the VM since the last call, as its recorder noted them."""
        events = [json.loads(line) for line in self._happened.lines()]
        return [
            Kill(event["line"], event["role"] == "server") for event in events if event["event"] == "oom_kill"
        ]

    def lines(self) -> list[str]:
        """Return what the server printed since the last call."""
        return self._printed.lines()

    def measured(self) -> dict[str, float]:
        """Return what Fly measures of a machine from outside, by its series' name; empty when nothing can be read."""
        reading = self._vm.walls.read()
        held = (reading.anon_bytes, reading.kernel_bytes)
        total = self._vm.size.memory_bytes
        found: dict[str, float] = {}
        if None not in held:
            available = total - sum(part for part in held if part is not None)
            found["fly_instance_memory_mem_total"] = float(total)
            found["fly_instance_memory_mem_available"] = float(max(0, available))
        if (balance_s := self._balance_s()) is not None:
            found["fly_instance_cpu_balance"] = round(CENTISECONDS * balance_s)
        if reading.throttled_s is not None:
            found["fly_instance_cpu_throttle"] = round(CENTISECONDS * reading.throttled_s)
        used = sum(path.stat().st_size for path in self._volume.rglob("*") if path.is_file())
        found["fly_volume_used_pct"] = round(100 * used / (self._volume_mb * 2**20), 2)
        return found

    def _balance_s(self) -> float | None:
        lines = self._samples.lines()
        if lines and not self._columns:
            self._columns = lines.pop(0).split(",")
        self._last.extend(lines)
        if not self._last or "balance_s" not in self._columns:
            return None
        cell = self._last[0].split(",")[self._columns.index("balance_s")]
        return float(cell) if cell else None
