"""Programs that a benchmark compares with: found, or installed from Debian."""

import os
import shutil
import subprocess
from collections.abc import Callable

from benchmarks.errors import BenchmarkError

_INSTALL_WITHIN_S = 600


def find_program(name: str, package: str, tell: Callable[[str], None]) -> str:
    """Returns the path of a program, whose package is installed from Debian first where it is absent and we may.

    Raises:
        BenchmarkError: it cannot be had here.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    program = shutil.which(name, path=path)
    if program is None and os.geteuid() == 0 and shutil.which("apt-get"):
        tell(f"{name}: installed from Debian")
        install = ["apt-get", "install", "-y", "--no-install-recommends", package]
        # In this runlevel Debian does not start what it installs.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for command in (["apt-get", "update"], install):
            subprocess.run(command, env=quiet, capture_output=True, check=False, timeout=_INSTALL_WITHIN_S)
        program = shutil.which(name, path=path)
    if program is None:
        raise BenchmarkError(
            f"{name}: is not here and cannot be installed. Install it: apt-get install {package}"
        )
    return program
