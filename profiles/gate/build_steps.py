"""What makes a build ready to be measured: commands one after the other, each bounded in time, all in one log."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.build import Build
from profiles.errors import OomproofError
from profiles.gate.git import git_environment, reason_in

Tell = Callable[[str], None]

_COMPILE = """
import compileall, sys, sysconfig
if not compileall.compile_dir(sys.argv[1], quiet=1):
    sys.exit(1)
for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
    compileall.compile_dir(folder, quiet=2)
"""
_FIND = """
import importlib.util, pathlib, sys, reference_server
found = importlib.util.find_spec("reference_server.__main__")
if found is None:
    sys.exit("error: there is no reference_server.__main__, which would start it")
place = pathlib.Path(found.origin).resolve().parent.parent
if place != pathlib.Path(sys.argv[1]).resolve():
    sys.exit(f"error: reference_server is taken from {place}")
"""


@dataclass(frozen=True)
class BuildSteps:
    """Runs the steps towards a build; `deadline` is on the monotonic clock and holds for all of them together."""

    named: str
    log: Path
    tell: Tell
    deadline: float

    def run(self, what: str, command: Sequence[str], **variables: str) -> None:
        """Run a command until it ends, its output at the end of the log; `variables` are added to its environment.

        Raises:
            OomproofError: it failed, could not be started, or the time is over. Nothing of it runs any more.
        """
        self.tell(f"{self.named}: {what}")
        began = self.log.stat().st_size if self.log.exists() else 0
        try:
            process = processes.start(command, self.log, environment={**_environment(), **variables})
        except OSError as error:
            raise OomproofError(f"{self.named}: {what}: {command[0]}: {error.strerror}.") from None
        try:
            status = process.wait(max(0.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise OomproofError(f"{self.named}: {what}: not done in time. See {self.log}.") from None
        finally:
            processes.stop(process)
        if status != 0:
            said = reason_in(self.log.read_bytes()[began:].decode(errors="replace")).rstrip(".")
            raise OomproofError(f"{self.named}: {what}: {said}. See {self.log}.")

    def make_ready(self, build: Build) -> None:
        """See that a build's server can be imported, from nowhere but its root, and compile its bytecode.

        What was never imported is compiled as it is imported: in the first run of an environment that uv made, each
        process held 6 MB more than in every later one, which is nearly what a gate is there to find.

        Raises:
            OomproofError: it cannot be imported or compiled.
        """
        python, package = str(build.python), build.root / "reference_server"
        self.run("its import", [python, "-P", "-c", _FIND, str(build.root)], **build.environment())
        self.run("its bytecode", [python, "-P", "-c", _COMPILE, str(package)])


def _environment() -> dict[str, str]:
    """Return our environment without what would lead git or Python elsewhere, or keep bytecode from being written."""
    return {name: value for name, value in git_environment().items() if not name.startswith("PYTHON")}
