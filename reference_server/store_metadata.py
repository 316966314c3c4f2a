"""tts.meta.json, the plan's list of a document's chunks: made from their sidecars, one in memory at a time."""

from __future__ import annotations

import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from reference_server.chunk import Voicing, read_chunk

METADATA = "tts.meta.json"

_HEAD_BYTES = 16 * 1024
_TAIL_BYTES = 64
_LIST = '"chunks": ['
_DIGITS = 10
"""Of `createdAt`: Unix seconds until the year 2286. What is in milliseconds has more."""
_END = re.compile(rb"\]\s*\}\s*\Z")
_PART_BYTES = 64 * 1024
_LEAST_PAUSE_S = 5.0
_PAUSE_OF_COST = 20


class MetadataFile(Protocol):
    """Where metadata is written to: at the end, and once over what was written."""

    def write(self, data: bytes) -> None:
        """Add `data` at the end."""

    def overwrite(self, at: int, data: bytes) -> None:
        """Put `data` over as many bytes from offset `at` on."""


def write_metadata(file: MetadataFile, document_id: str, voicing: Voicing, sidecars: Iterable[Path]) -> int:
    """Write the list of the chunks with these settings, in the order given, and return its `createdAt`.

    `createdAt` is the oldest of these chunks' in Unix seconds, now where there is none. It stands before the
    chunks, as in the plan, and is known after them: it is written last, over its place.
    """
    head, at = _head(document_id, voicing)
    created_at = math.inf
    part, separator = bytearray(head), "\n  "
    for chunk in filter(None, map(read_chunk, sidecars)):
        if chunk.voicing != voicing:
            continue
        created_at = min(created_at, chunk.created_at)
        part += f"{separator}{json.dumps(chunk.to_metadata(), ensure_ascii=False)}".encode()
        separator = ",\n  "
        if len(part) >= _PART_BYTES:
            file.write(bytes(part))
            part.clear()
    file.write(bytes(part) + b"\n ]\n}\n")
    known = int(time.time() if math.isinf(created_at) else created_at)
    file.overwrite(at, f"{known:{_DIGITS}d}".encode())
    return known


def sidecars_of(chunks: Path) -> list[str]:
    """Return the names of the sidecars in a folder, in document order; none where there is no folder."""
    try:
        with os.scandir(chunks) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(".json") and entry.name[0] != "."]
    except FileNotFoundError:
        return []
    return sorted(names, key=_place)


def read_created_at(path: Path) -> int | None:
    """Return `createdAt` of a metadata file, or None where that is missing, cut off or of another make.

    Only its two ends are read: it may be long, and what was written in one go has its middle too.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            tail = file.read()
        before, found, _ = head.decode(errors="replace").partition(_LIST)
        fields = json.loads(f"{before}{found}]}}")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, RecursionError):
        return None
    created_at = fields.get("createdAt")
    if not isinstance(created_at, int) or not 0 <= created_at < 10**_DIGITS:
        return None
    return created_at if fields.get("documentId") == path.parent.name and _END.search(tail) else None


def is_current(metadata: Path, chunks: Path) -> bool:
    """Return whether the metadata is there and no chunk came or went since it was written."""
    try:
        return metadata.stat().st_mtime_ns >= chunks.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return False


class RebuildPace:
    """When a document's metadata is next due while its chunks are made.

    Each rebuild reads all that is there, so rebuilding after every chunk would cost the square of their
    number. It waits 5 s and 20 times what the last one took, whichever is longer: at most a twentieth of the
    time goes into it. The first is due at once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due_at: dict[str, float] = {}

    def claim(self, document_id: str) -> bool:
        """Return whether a rebuild is due; then it is the caller's, who times it, and nobody else's."""
        with self._lock:
            if self._clock() < self._due_at.get(document_id, -math.inf):
                return False
            self._due_at[document_id] = math.inf
            return True

    @contextmanager
    def timed(self, document_id: str) -> Iterator[None]:
        """Time a rebuild, also one that was not waited for or that fails, and put off the next."""
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            pause_s = max(_LEAST_PAUSE_S, _PAUSE_OF_COST * (ended - began))
            with self._lock:
                # One that is due is as good as one never made: it need not be remembered.
                self._due_at = {name: at for name, at in self._due_at.items() if at > ended}
                self._due_at[document_id] = ended + pause_s


def _head(document_id: str, voicing: Voicing) -> tuple[bytes, int]:
    """Return what stands before the chunks, and where in it the digits of `createdAt` go."""
    before = {
        "documentId": document_id,
        "ttsProvider": voicing.provider,
        "ttsModel": voicing.model,
        "voice": voicing.voice,
        "nativeSpeed": voicing.speed,
    }
    text = "{" + "".join(f'\n "{name}": {json.dumps(field)},' for name, field in before.items())
    text += '\n "createdAt": '
    after = f'{0:{_DIGITS}d},\n "settingsHash": "{voicing.settings_hash}",\n {_LIST}'
    return f"{text}{after}".encode(), len(text.encode())


def _place(name: str) -> tuple[int, str]:
    ordinal = name.partition("__")[0]
    return (int(ordinal) if ordinal.isdecimal() else 0, name)
