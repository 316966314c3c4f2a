"""A guest of user-mode-linux: a whole machine of its own, with its own kernel, booted as an ordinary process.

The host's files are its root, read-only; it has one CPU, a true memory size, cgroup v2 and no network. System
calls are slow in it: right for proving what a kernel does, not for load figures.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.errors import OomproofError, RunError
from profiles.uml_library import built_library
from profiles.vm_size import MIB

PROGRAM = "linux.uml"
INSTALL = "apt-get install user-mode-linux gcc iproute2"
CACHE = Path(".cache/uml")
INIT = Path(__file__).with_name("uml_init.sh")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where user-mode-linux keeps a guest's memory unless told otherwise
_GUARD = 'read -r _; kill -s KILL -- "-$1"'
"""Ends all of a guest's processes on the host once our end of its input is closed, however that came about."""
_GONE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Guest:
    """What a guest is made of.

    `folder` takes `console.log` (the guest's kernel), `output.log` (the command) and `status`; it is the only place
    of the host, with `writable`, that the guest may write to. Files reach the host about a second late. `init` is the
    shell script that is the guest's first process.
    """

    folder: Path
    memory_mb: int
    timeout_s: float
    writable: tuple[Path, ...] = ()
    cache: Path = CACHE
    init: Path = INIT

    @property
    def output(self) -> Path:
        """What the command printed."""
        return self.folder / "output.log"

    @property
    def console(self) -> Path:
        """What the guest's kernel printed, its kills among it."""
        return self.folder / "console.log"


def missing() -> str | None:
    """Return what keeps user-mode-linux from being used here, and the way out; None where nothing does."""
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM}: not installed. {INSTALL}"
    if shutil.which("ip") is None:
        return f"ip: not installed, so a guest would have no loopback. {INSTALL}"
    return None


def boot(command: Sequence[str], guest: Guest, environment: Mapping[str, str] | None = None) -> int:
    """Run a command as root in a guest, in our working directory, and return its exit status.

    Raises:
        OomproofError: user-mode-linux is not installed.
        RunError: the guest did not boot, took too long, or ended without the command's status; all of it was ended.
    """
    if lack := missing():
        raise OomproofError(lack)
    folder = guest.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    status = folder / "status"
    status.unlink(missing_ok=True)
    places = [folder, *(path.resolve() for path in guest.writable)]
    (folder / "writable").write_text("".join(f"{place}\n" for place in places), encoding="utf-8")
    (folder / "command").write_text(_command_file(command, environment or {}), encoding="utf-8")
    lack = _run(guest, folder)
    try:
        return int(status.read_text())
    except (OSError, ValueError):
        said = lack or _last_words(guest.console)
        raise RunError(f"user-mode-linux: {said}. See {guest.console}.") from None


def _command_file(command: Sequence[str], environment: Mapping[str, str]) -> str:
    settings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/tmp",  # noqa: S108  # the guest's own
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    return f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(['env', '-i', *words, *command])}\n"


def _run(guest: Guest, folder: Path) -> str:
    """Boot, wait, and end whatever is left; return what went wrong, or nothing."""
    library, lack = built_library(guest.cache.resolve())
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    if library is not None:  # by a name without spaces and colons, which LD_PRELOAD has a meaning for
        environment["LD_PRELOAD"] = f"./{library.name}"
    if room := _room_for_memory(guest.memory_mb):
        environment["TMPDIR"] = room
    command = [
        PROGRAM, f"mem={guest.memory_mb}M", "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=null,fd:1",
        f"uml_dir={folder}/", "umid=uml-sockets", "init=/bin/sh", "--", f'"{guest.init}"', f'"{folder}"',
    ]  # fmt: skip
    with guest.console.open("wb") as console:
        kernel = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=environment,
            cwd=library.parent if library is not None else folder,
            start_new_session=True,  # it would make itself a session anyway, whose number we could not know
        )
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(kernel.pid)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        ended = _ends_within(kernel.pid, guest.timeout_s)
    finally:
        os.killpg(kernel.pid, signal.SIGKILL)  # there is such a group: its leader was not waited for yet
        guard.kill()
        guard.communicate()
        kernel.wait()
        _await_group_gone(kernel.pid)
    return lack if ended else f"not done within {guest.timeout_s:g} s, and ended"


def _ends_within(pid: int, timeout_s: float) -> bool:
    """Return whether a child ends in time; it is not waited for, so that its number stays its own."""
    handle = os.pidfd_open(pid)
    try:
        return bool(select.select([handle], [], [], timeout_s)[0])
    finally:
        os.close(handle)


def _await_group_gone(group: int) -> None:
    """Return when the host has freed what a guest's processes held."""
    deadline = time.monotonic() + _GONE_WITHIN_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.02)


def _room_for_memory(memory_mb: int) -> str | None:
    """Return where the guest's memory can lie where shared memory is too small for it, as in a container."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(_SHARED_MEMORY).free >= memory_mb * MIB:
            return None
    return tempfile.gettempdir()


def _last_words(console: Path) -> str:
    return processes.last_line(console).rstrip(".")


def main() -> int:
    """`python -m profiles.uml FOLDER MEMORY_MB TIMEOUT_S COMMAND …`: run a command in a guest, by hand."""
    folder, memory_mb, timeout_s, *command = sys.argv[1:]
    guest = Guest(Path(folder), int(memory_mb), float(timeout_s))
    status = boot(command, guest)
    print(guest.output.read_text(encoding="utf-8", errors="replace"), end="")
    return status


if __name__ == "__main__":
    sys.exit(main())
