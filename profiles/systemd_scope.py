"""A scope of systemd's: how an engineer without root gets a subtree in which the kernel keeps a VM's limits.

systemd gives a user's processes to groups that are its own. Asked for a scope with Delegate=yes (systemd-run(1),
systemd.resource-control(5)) it gives one away; `oomproof` starts itself again in there, as the same process, and
makes its VMs in it as in any other delegated subtree.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from profiles.cgroup import Cgroup
from profiles.cgroup_v2 import CgroupV2
from profiles.control_files import CGROUP_ROOT
from profiles.delegated import MEMBERSHIP, NEEDS_DELEGATE, NEEDS_MEMORY, OWN_SCOPE, own_base
from profiles.errors import OomproofError
from profiles.offer import Offer
from profiles.walls import NAME_PREFIX

NAME = "systemd scope"
MARK = "OOMPROOF_SCOPE"
"""An environment variable that names the scope we asked for, so that we ask only once."""
SYSTEMD = Path("/run/systemd/system")
PROGRAM = "systemd-run"
ANSWERS_WITHIN_S = 10.0
CONTROLLERS = 'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.controllers"'
NEEDS_LOGIN = (
    "Log in as this user (su and sudo -u give no user manager; loginctl enable-linger does), "
    "with XDG_RUNTIME_DIR set."
)


def offer(root: Path = CGROUP_ROOT, systemd: Path = SYSTEMD) -> Offer:
    """Return whether systemd gives us a scope, which is tried, and whether memory and CPU come with it."""
    if lacking := _lacking(root, systemd):
        return _refused(*lacking)
    try:
        controllers = _own_controllers(root) or _given_controllers(as_root=os.geteuid() == 0)
    except (OSError, subprocess.SubprocessError) as error:
        return _refused(f"{PROGRAM}: {_complaint(error)}", NEEDS_LOGIN)
    if "memory" not in controllers:
        return _refused("systemd gives this user no memory controller", NEEDS_MEMORY)
    if "cpu" not in controllers:
        reason = (
            "systemd gives this user no cpu controller, so the memory is limited and the CPU share is not"
        )
        return Offer(NAME, available=True, reason=reason, way_out=NEEDS_DELEGATE)
    return Offer(NAME, available=True)


def _lacking(root: Path, systemd: Path) -> tuple[str, str] | None:
    if not systemd.is_dir():
        return f"{systemd}: not there, so systemd does not run this machine", "Use another backend."
    if not (root / "cgroup.controllers").exists():
        way_out = "Boot with systemd.unified_cgroup_hierarchy=1, or use another backend."
        return f"{root}: no cgroup v2 tree there", way_out
    if shutil.which(PROGRAM) is None:
        return f"{PROGRAM}: not installed", "Install systemd's own tools, or use another backend."
    return None


def walls(name: str, root: Path = CGROUP_ROOT, own: Path = MEMBERSHIP) -> Cgroup:
    """Return the walls of that name in the scope that we are in.

    Raises:
        OomproofError: we are in none.
    """
    base = own_base(root, own)
    if base is None or not _is_scope(base):
        raise OomproofError(
            f"--backend {NAME!r}: this process is in no scope. Start it with the oomproof command."
        )
    return Cgroup(CgroupV2(base, name=NAME), name)


def _own_controllers(root: Path) -> frozenset[str]:
    base = own_base(root)
    if base is None or not _is_scope(base):
        return frozenset()
    return frozenset((base / "cgroup.controllers").read_text().split())


def inside(root: Path = CGROUP_ROOT, own: Path = MEMBERSHIP) -> bool:
    """Return whether this process is in a scope that `oomproof` asked for."""
    base = own_base(root, own)
    return base is not None and _is_scope(base)


def enter() -> None:
    """Start this very command again in a scope; returns where we are in one already.

    The process stays the same, and with it its parent, signals and exit code: systemd-run only moves it.

    Raises:
        OomproofError: systemd-run did not bring us into the scope, or cannot be run.
    """
    if not inside():
        _start_again([sys.executable, *sys.orig_argv[1:]])


def _start_again(command: Sequence[str]) -> NoReturn:
    unit = f"{NAME_PREFIX}{os.getpid()}"
    if os.environ.get(MARK) == unit:
        raise OomproofError(
            f"--backend {NAME!r}: {PROGRAM} left us outside of {unit}.scope. Use another backend."
        )
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(  # noqa: S606  # no shell is wanted
            PROGRAM, scope_command(command, unit, as_root=os.geteuid() == 0), {**os.environ, MARK: unit}
        )
    except OSError as error:
        raise OomproofError(f"{PROGRAM}: {error.strerror}. Use another backend.") from None


def scope_command(command: Sequence[str], unit: str, *, as_root: bool) -> list[str]:
    """Return the command that runs another in a scope of its own, which we may divide, and which goes with it."""
    options = ["--scope", "--quiet", "--collect", "--no-ask-password", "-p", "Delegate=yes", f"--unit={unit}"]
    return [PROGRAM, *([] if as_root else ["--user"]), *options, "--", *command]


@functools.cache
def _given_controllers(*, as_root: bool) -> frozenset[str]:
    command = scope_command(["sh", "-c", CONTROLLERS], f"{NAME_PREFIX}{os.getpid()}-try", as_root=as_root)
    tried = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=ANSWERS_WITHIN_S,
    )
    return frozenset(tried.stdout.split())


def _complaint(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.strip().splitlines()
        return lines[0].strip().rstrip(".") if lines else f"ended with status {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {ANSWERS_WITHIN_S:g} s"
    return getattr(error, "strerror", None) or type(error).__name__


def _is_scope(base: Path) -> bool:
    return any(OWN_SCOPE.fullmatch(part) for part in base.parts)


def _refused(reason: str, way_out: str) -> Offer:
    return Offer(NAME, available=False, reason=reason, way_out=way_out)
