"""Files that are whole or absent, whatever kills the process in between."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_aside(folder: Path, data: bytes) -> Path:
    """Write `data` to a new hidden file in `folder`, on disk when this returns, for `put_in_place`."""
    aside = folder / f".aside-{secrets.token_hex(8)}"
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return aside


def put_in_place(aside: Path, path: Path) -> None:
    """Give a file or folder that was written aside its name, in the place of a file that had it."""
    aside.replace(path)
    sync(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader finds the old bytes or all of the new, also after a crash."""
    put_in_place(write_aside(path.parent, data), path)


def remove_folder(folder: Path) -> bool:
    """Remove a folder, first from its name and then from the disk; return whether it was there."""
    doomed = folder.with_name(f".doomed-{secrets.token_hex(8)}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def sync(path: Path) -> None:
    """Return once a file's bytes, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
