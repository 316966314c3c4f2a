"""The machine's log, as `fly logs` prints it: the app's console, the machine's init, and whoever runs the machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from profiles.line_file import LineFile

Provider = Literal["app", "runner"]

_GROUP = re.compile(r"^(?:Memory cgroup out|Out) of memory:")
"""A VM of the stand-in is a control group, whose kills begin otherwise than a whole machine's."""


class Console:
    """Writes a log that `oomproof kills` and a person read as they read Fly's."""

    def __init__(self, path: Path, machine_id: str, region: str, clock: Callable[[], float]) -> None:
        self._file = LineFile(path)
        self._machine_id = machine_id
        self._region = region
        self._clock = clock
        self._booted_s = clock()

    def write(self, message: str, provider: Provider = "app") -> None:
        """Write one line."""
        at = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{at} {provider}[{self._machine_id}] {self._region} [info]{message}\n"
        self._file.append(line.encode("utf-8", "replace"))

    def boot(self) -> None:
        """Say what a machine's init says as it starts; the kernel's own clock starts with it."""
        self._booted_s = self._clock()
        self.write(" INFO Starting init (commit: 00000000)...")

    def kernel(self, message: str) -> None:
        """Write a line of the kernel's."""
        told = _GROUP.sub("Out of memory:", message)
        self.write(f"[{self._clock() - self._booted_s:12.6f}] {told}")

    def ended(self, returncode: int, *, oom_killed: bool) -> None:
        """Say what the init says when its main child has ended."""
        if returncode < 0:
            how = "SIGKILL" if returncode == -9 else str(-returncode)
            self.write(f" INFO Main child exited with signal (with signal '{how}', core dumped? false)")
        else:
            self.write(f" INFO Main child exited normally with code: {returncode}")
        if oom_killed:
            self.write(" INFO Process appears to have been OOM killed!")
        self.write(" INFO Starting clean up.")

    def close(self) -> None:
        """Write no more."""
        self._file.close()
