"""Files that are whole or absent, whatever kills the process in between."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

_ASIDE = ".aside-"
_DOOMED = ".doomed-"


def is_leftover(name: str) -> bool:
    """Return whether this is the name of what is being written or removed, or was when a process was killed."""
    return name.startswith((_ASIDE, _DOOMED))


def aside_in(folder: Path) -> Path:
    """Return a new hidden name in `folder`, for a file that is to be written and then put in place."""
    return folder / f"{_ASIDE}{secrets.token_hex(8)}"


def write_aside(folder: Path, data: bytes) -> Path:
    """Write `data` to a new hidden file in `folder`, on disk when this returns, for `put_in_place`."""
    aside = aside_in(folder)
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
    aside = write_aside(path.parent, data)
    try:
        put_in_place(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def remove_folder(folder: Path) -> bool:
    """Remove a folder, first from its name and then from the disk; return whether it was there."""
    doomed = folder.with_name(f"{_DOOMED}{secrets.token_hex(8)}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def remove_leftovers(folder: Path) -> int:
    """Remove from a folder what killed processes were writing or removing there; return how many."""
    with os.scandir(folder) as entries:
        leftovers = [entry for entry in entries if is_leftover(entry.name)]
    for entry in leftovers:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink(missing_ok=True)
    return len(leftovers)


def sync(path: Path) -> None:
    """Return once a file's bytes, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
