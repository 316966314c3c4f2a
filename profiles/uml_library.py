"""The small library that lets user-mode-linux run on processors newer than it (see uml_ptrace.c), built when needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("uml_ptrace.c")
COMPILERS = ("cc", "gcc", "clang")
_BUILD_WITHIN_S = 60.0


def built_library(cache: Path) -> tuple[Path | None, str]:
    """Return the library, built into `cache` if no build of this source is there; else None and why there is none.

    user-mode-linux boots without it where the processor's register state is small enough for it.
    """
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    library = cache / f"uml-ptrace-{digest}.so"
    if library.is_file():
        return library, ""
    compiler = next((name for name in COMPILERS if shutil.which(name)), None)
    if compiler is None:
        return None, "no C compiler (cc) to build the library that newer processors need; apt-get install gcc"
    cache.mkdir(parents=True, exist_ok=True)
    aside = library.with_suffix(f".{os.getpid()}")  # several may build it at once
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(aside), str(SOURCE)]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_BUILD_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{compiler}: {error}"
    if ended.returncode != 0:
        said = ended.stderr.strip().splitlines() or [f"it ended with status {ended.returncode}"]
        return None, f"{compiler}: {said[0]}"
    aside.replace(library)
    return library, ""
