"""Opening the store: what killed processes and other hands left is put right, and told."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from reference_server.chunk import Voicing, read_chunk
from reference_server.durable import is_leftover, remove_leftovers
from reference_server.store_metadata import METADATA, is_current, read_created_at
from reference_server.store_scan import (
    documents_in,
    entries_of,
    is_chunk_file,
    is_document,
    measure,
    other_bytes,
    size_of,
)
from reference_server.store_usage import Occupied, Usage


@dataclass(frozen=True)
class OpeningReport:
    """What was found when the store was opened, and what was done about it.

    `leftovers_removed` counts what a killed process was writing or removing; `chunks_removed` MP3s without a
    sidecar, sidecars without their whole MP3 and damaged sidecars; `metadata_rebuilt` the documents whose
    tts.meta.json was missing, damaged or older than their chunks; `foreign_files` what is none of the
    store's: it stays, and its bytes count.
    """

    documents: int
    chunks: int
    size_bytes: int
    leftovers_removed: int
    chunks_removed: int
    metadata_rebuilt: int
    foreign_files: int

    @property
    def repaired(self) -> bool:
        """Whether anything was not as it should be."""
        return bool(self.leftovers_removed or self.chunks_removed or self.metadata_rebuilt)

    def __str__(self) -> str:
        """Return all of it in one line."""
        return (
            f"{self.documents} documents, {self.chunks} chunks, {self.size_bytes} bytes;"
            f" removed {self.leftovers_removed} leftovers and {self.chunks_removed} chunks that were not whole,"
            f" rebuilt the metadata of {self.metadata_rebuilt} documents,"
            f" left {self.foreign_files} foreign files alone"
        )


@dataclass(frozen=True)
class Opened:
    """A store put right: what it occupies, what was done, and what is left to do.

    `unlisted` are the documents whose metadata is to be rebuilt, with the settings of their newest chunk.
    """

    usage: Usage
    report: OpeningReport
    unlisted: dict[str, Voicing]


def repair(root: Path) -> Opened:
    """Put the store below `root` right. Nothing else may use it meanwhile.

    Names and sizes decide; sidecars are read only of a document whose metadata is to be rebuilt. An MP3 of
    the wrong size beside sound metadata is found when it is asked for, and is a missing chunk then.
    """
    found = Counter(leftovers=remove_leftovers(root))
    usage, unlisted = Usage(), {}
    for document_id in documents_in(root):
        occupied, voicing = _repair_document(root / document_id, found)
        usage.put(document_id, occupied)
        if voicing is not None:
            unlisted[document_id] = voicing
    usage.other_bytes = other_bytes(root)
    found["foreign"] += sum(1 for entry in entries_of(root) if not is_document(entry))
    stats = usage.stats()
    report = OpeningReport(
        documents=stats.documents,
        chunks=found["chunks"],
        size_bytes=stats.size_bytes,
        leftovers_removed=found["leftovers"],
        chunks_removed=found["removed"],
        metadata_rebuilt=0,
        foreign_files=found["foreign"],
    )
    return Opened(usage, report, unlisted)


@dataclass
class _Files:
    """The chunk files of one document: their sizes in bytes, by the part of their name that they share."""

    audio: dict[str, int] = field(default_factory=dict)
    sidecars: dict[str, int] = field(default_factory=dict)
    foreign: int = 0
    leftovers: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(self.audio.values()) + sum(self.sidecars.values())

    @property
    def whole(self) -> set[str]:
        return {name for name, size in self.audio.items() if size and self.sidecars.get(name)}


def _repair_document(folder: Path, found: Counter[str]) -> tuple[Occupied, Voicing | None]:
    """Put one document right; return what it occupies, and the settings to rebuild its metadata with, if any."""
    chunks, metadata = folder / "chunks", folder / METADATA
    files = _list(chunks)
    found["leftovers"] += remove_leftovers(folder) + (remove_leftovers(chunks) if files.leftovers else 0)
    foreign = files.foreign + sum(1 for entry in entries_of(folder) if entry.name not in {"chunks", METADATA})
    whole = files.whole
    halves = (files.audio.keys() | files.sidecars.keys()) - whole
    _remove(chunks, halves)
    damaged, voicing = set[str](), None
    created_at = read_created_at(metadata)
    if whole and (created_at is None or not is_current(metadata, chunks)):
        damaged, voicing = _read(chunks, whole)
        _remove(chunks, damaged)
    if len(whole) == len(damaged):
        _remove_empty(folder)
    found.update(removed=len(halves) + len(damaged), chunks=len(whole) - len(damaged), foreign=foreign)
    if halves or damaged or foreign or created_at is None:
        return measure(folder), voicing
    return Occupied(files.size_bytes + size_of(metadata), created_at), voicing


def _remove_empty(folder: Path) -> None:
    """Remove a document's folder that has no chunk; foreign files keep it."""
    with contextlib.suppress(OSError):
        (folder / METADATA).unlink(missing_ok=True)
        (folder / "chunks").rmdir()
        folder.rmdir()


def _list(chunks: Path) -> _Files:
    files = _Files()
    for entry in entries_of(chunks):
        if not (is_chunk_file(entry.name) and entry.is_file(follow_symlinks=False)):
            if is_leftover(entry.name):
                files.leftovers += 1
            else:
                files.foreign += 1
            continue
        size_bytes = entry.stat(follow_symlinks=False).st_size
        if entry.name.endswith(".mp3"):
            files.audio[entry.name[:-4]] = size_bytes
        else:
            files.sidecars[entry.name[:-5]] = size_bytes
    return files


def _read(chunks: Path, names: set[str]) -> tuple[set[str], Voicing | None]:
    """Return which chunks are damaged, and the settings of the newest of the others."""
    damaged, newest, voicing = set(), (0, 0), None
    for name in names:
        sidecar = chunks / f"{name}.json"
        chunk = read_chunk(sidecar)
        if chunk is None:
            damaged.add(name)
        elif (age := (chunk.created_at, sidecar.stat().st_mtime_ns)) > newest:
            newest, voicing = age, chunk.voicing
    return damaged, voicing


def _remove(chunks: Path, names: set[str]) -> None:
    for name in names:
        for suffix in (".json", ".mp3"):  # the sidecar first: without it nobody is shown the MP3
            (chunks / f"{name}{suffix}").unlink(missing_ok=True)
