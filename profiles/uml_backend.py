"""Backend `uml`: the command is started again in a guest of user-mode-linux, and that whole machine is the VM.

Nobody needs to be root for it, nor have a control group: the guest is an ordinary process, and the kernel that kills in
it is its own. The server's load and the recorder are in it too, on its one CPU.
"""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path

from profiles import uml
from profiles.errors import OomproofError
from profiles.offer import Offer
from profiles.uml import Guest, boot
from profiles.whole_machine import WholeMachine

NAME = "uml"
CPU_INFO = Path("/proc/cpuinfo")
PASSED_ON = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""What the guest gets of our environment."""
WITHIN_S = 4 * 3600.0
"""Longer than any comparison takes."""
_SLOW = (
    "in a guest with one CPU and slow system calls: right for what its kernel kills, not for figures of load"
)


def inside() -> bool:
    """Return whether this machine is a guest of user-mode-linux."""
    try:
        return "User Mode Linux" in CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def offer() -> Offer:
    """Return the offer; it is taken by name only."""
    if not inside() and (lack := uml.missing()):
        reason, _, way_out = lack.partition(". ")
        return Offer(NAME, available=False, reason=reason, way_out=way_out, best=False)
    return Offer(NAME, available=True, reason=_SLOW, best=False)


def refuse_outside() -> None:
    """Refuse to go on where only a guest can be the VM.

    Raises:
        OomproofError: this machine is none.
    """
    if not inside():
        raise OomproofError(f"--backend {NAME}: only for oomproof run and compare. Choose another.")


class UmlMachine(WholeMachine):
    """The guest, taken for the VM."""

    backend = NAME


def run_in_guest(memory_mb: int, out: Path) -> int:
    """Start this very command again in a guest of that memory, its results in `out`; return its exit code.

    What it prints is printed here as it comes; the guest's own files are beside `out`, in `<out>.guest`.

    Raises:
        OomproofError: there is no user-mode-linux here.
        RunError: the guest did not boot or end as it should.
    """
    places = (out, Path(".cache"))
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    whole = out.resolve()  # "." has no name
    guest = Guest(whole.with_name(f"{whole.name}.guest"), memory_mb, WITHIN_S, writable=places)
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, *sys.orig_argv[1:], "--out", str(out)]
    echo = _Echo(guest.output)
    try:
        return boot(command, guest, environment, meanwhile=echo.print_new)
    finally:
        echo.print_new()


class _Echo:
    """Prints a file as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._printed = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # what came may end within a letter

    def print_new(self) -> None:
        """Print what came since the last time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._printed)
                new = file.read()
        except OSError:
            return
        self._printed += len(new)
        sys.stdout.write(self._decoder.decode(new))
        sys.stdout.flush()
