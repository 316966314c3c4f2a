"""What lies below the store's folder, by names and sizes: no file's content is read but the metadata's ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reference_server.chunk import CHUNK_FILE
from reference_server.store_metadata import METADATA, read_created_at
from reference_server.store_usage import Occupied


def is_chunk_file(name: str) -> bool:
    """Return whether an MP3 or sidecar of the store can have this name."""
    return CHUNK_FILE.fullmatch(name) is not None


def size_of(path: Path) -> int:
    """Return a file's size in bytes, 0 where there is none."""
    try:
        return path.lstat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def entries_of(folder: Path | str) -> list[os.DirEntry[str]]:
    """Return what is in a folder: nothing where it is gone, is no folder or is nobody's to read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def files_below(folder: Path | str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the name and the stat of every file below a folder; links are not followed.

    Entry by entry: one keeps its stat, and a list of them a kilobyte for each file of a store.
    """
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from files_below(entry.path)
                continue
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # somebody's hand removed it just now


def is_document(entry: os.DirEntry[str]) -> bool:
    """Return whether what lies in the store's folder can be a document's folder."""
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def documents_in(root: Path) -> list[str]:
    """Return the names of the folders that can be documents."""
    return [entry.name for entry in entries_of(root) if is_document(entry)]


def other_bytes(root: Path) -> int:
    """Return the bytes of all that lies in the store's folder and is in no document."""
    total = 0
    for entry in entries_of(root):
        if entry.is_dir(follow_symlinks=False):
            total += 0 if is_document(entry) else sum(stat.st_size for _, stat in files_below(entry.path))
        else:
            total += size_of(Path(entry.path))
    return total


def measure(folder: Path) -> Occupied:
    """Return what a document's folder holds now."""
    size_bytes, oldest = 0, None
    for name, stat in files_below(folder):
        size_bytes += stat.st_size
        if name.endswith(".json") and is_chunk_file(name):
            written_at = int(stat.st_mtime)
            oldest = written_at if oldest is None else min(oldest, written_at)
    created_at = read_created_at(folder / METADATA)
    return Occupied(size_bytes, oldest if created_at is None else created_at)
