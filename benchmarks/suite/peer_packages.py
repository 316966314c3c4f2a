"""Packages that are only compared with: installed aside, so that our own environment is as it is without them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite.measured import Tell

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKED = ROOT / "requirements" / "peers.txt"
"""The packages, by version and hash."""

_CACHE = ROOT / ".cache" / "bench-peers"
_INSTALL_WITHIN_S = 300


def peer_packages(tell: Tell) -> Path:
    """Return the folder of the peers' packages, for the path of their Python; it is made first where it is not there.

    Raises:
        BenchmarkError: they cannot be installed here.
    """
    locked = LOCKED.read_bytes()
    python = f"{sys.implementation.cache_tag}-{hashlib.sha256(locked).hexdigest()[:8]}"
    folder = _CACHE / python
    if folder.is_dir():
        return folder
    tell("peers: installed from packages, aside; done once")
    aside = folder.with_name(f"{python}.part-{os.getpid()}")
    command = [
        "uv", "pip", "install", "--quiet", "--require-hashes", "--python", sys.executable, "--target", str(aside),
        "--requirement", str(LOCKED),
    ]  # fmt: skip
    where = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"}
    try:
        done = subprocess.run(
            command, env=where, capture_output=True, text=True, check=False, timeout=_INSTALL_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"uv: the peers' packages cannot be installed: {error}") from None
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1].strip()
        raise BenchmarkError(f"{LOCKED.name}: the peers' packages cannot be installed: {why}")
    aside.rename(folder)
    return folder


def environment_with(folder: Path | None) -> dict[str, str]:
    """Return our environment for a Python that finds this project, and the peers' packages where there are any."""
    paths = [str(ROOT)] if folder is None else [str(ROOT), str(folder)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def versions_in(folder: Path) -> dict[str, str]:
    """Return the version of each package in the folder."""
    return {found.metadata["Name"]: found.version for found in distributions(path=[str(folder)])}
