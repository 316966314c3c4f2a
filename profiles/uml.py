"""A guest of user-mode-linux: a whole machine of its own, with its own kernel, booted as an ordinary process.

The host's files are its root, read-only, but for /tmp, /run and /dev/shm, which are its own; it has one CPU, a true
memory size, cgroup v2 and no network. System calls are slow in it: right for proving what a kernel does, not for load
figures.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.errors import OomproofError, RunError
from profiles.uml_library import built_library
from profiles.uml_process import run_guest
from profiles.vm_size import MIB

PROGRAM = "linux.uml"
INSTALL = "apt-get install user-mode-linux gcc iproute2"
CACHE = Path(".cache/uml")
INIT = Path(__file__).with_name("uml_init.sh")
_TMP = Path("/tmp")  # noqa: S108  # a guest's own, but for what its command names of the host's
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where user-mode-linux keeps a guest's memory unless told otherwise


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


def check_installed() -> None:
    """Refuse to go on without user-mode-linux.

    Raises:
        OomproofError: it is not installed; says how to get it.
    """
    if lack := missing():
        raise OomproofError(lack)


def boot(
    command: Sequence[str],
    guest: Guest,
    environment: Mapping[str, str] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> int:
    """Run a command as root in a guest, in our working directory, and return its exit status.

    `meanwhile` is called again and again until then.

    Raises:
        OomproofError: user-mode-linux is not installed.
        RunError: the guest did not boot, took too long, or ended without the command's status; all of it was ended.
    """
    check_installed()
    folder = guest.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    status = folder / "status"
    status.unlink(missing_ok=True)
    places = [folder, *(path.resolve() for path in guest.writable)]
    (folder / "writable").write_text("".join(f"{place}\n" for place in places), encoding="utf-8")
    (folder / "named").write_text(
        "".join(f"{name}\n" for name in _named_in_tmp(command, places)), encoding="utf-8"
    )
    (folder / "command").write_text(_command_file(command, environment or {}), encoding="utf-8")
    lack = _run(guest, folder, meanwhile)
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


def _named_in_tmp(command: Sequence[str], writable: Sequence[Path]) -> list[str]:
    """Return the entries of the host's /tmp that the command needs: where it works, its Python, what it names."""
    named = [str(Path.cwd()), sys.prefix, sys.base_prefix, *(word.rpartition("=")[2] for word in command)]
    paths = [Path(os.path.abspath(place)) for place in named]  # noqa: PTH100 - resolve() would follow links
    hidden = [path for path in paths if not any(path.is_relative_to(place) for place in writable)]
    return sorted({path.relative_to(_TMP).parts[0] for path in hidden if _TMP in path.parents})


def _run(guest: Guest, folder: Path, meanwhile: Callable[[], None]) -> str:
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
    cwd = library.parent if library is not None else folder
    ended = run_guest(command, guest.console, environment, cwd, guest.timeout_s, meanwhile)
    return lack if ended else f"not done within {guest.timeout_s:g} s, and ended"


def _room_for_memory(memory_mb: int) -> str | None:
    """Return where the guest's memory can lie where shared memory is too small for it, as in a container."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(_SHARED_MEMORY).free >= memory_mb * MIB:
            return None
    return tempfile.gettempdir()


def _last_words(console: Path) -> str:
    return processes.last_line(console).rstrip(".")
