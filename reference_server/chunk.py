"""What a chunk is: its settings, its sidecar, its file name, and when it is the one a client wants."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, BinaryIO, Protocol, Self

from reference_server.outline import Block

_FIELDS: dict[str, tuple[str, type | UnionType]] = {
    "ordinal": ("ordinal", int),
    "page": ("page", int),
    "block_index": ("blockIndex", int),
    "text": ("text", str),
    "text_hash": ("textHash", str),
    "duration_s": ("duration", int | float),
    "size_bytes": ("sizeBytes", int),
    "sha256": ("sha256", str),
    "created_at": ("createdAt", int),
    "timings": ("timings", dict),
}
"""A chunk's plain fields: what they are called in its sidecar, and what they are there."""

CHUNK_FILE = re.compile(r"\d{4,}__page-(\d{3,})__block-(\d{3,})\.(?:mp3|json)")
"""What an MP3 or sidecar of the store is called, with its page and its block's index."""

_VOICING: dict[str, type | UnionType] = {"provider": str, "model": str, "voice": str, "speed": int | float}


@dataclass(frozen=True)
class Voicing:
    """The settings that decide what a block sounds like; `speed` is a factor, 1.0 the voice's own."""

    provider: str
    model: str
    voice: str
    speed: float

    @property
    def settings_hash(self) -> str:
        """The hex SHA-256 of these settings as canonical JSON."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@lru_cache(maxsize=64)
def one_of_equals(voicing: Voicing) -> Voicing:
    """Return the same object for equal settings: a book has one, and not one for each of its blocks."""
    return voicing


class Voiced(Protocol):
    """What is known of a chunk's sound."""

    @property
    def voicing(self) -> Voicing:
        """Its settings."""

    @property
    def text_hash(self) -> str:
        """The hash of what is spoken."""


@dataclass(frozen=True)
class Wanted:
    """What a client expects of a chunk; None means whatever is stored."""

    voice: str | None = None
    speed: float | None = None
    model: str | None = None
    text_hash: str | None = None

    def fits(self, chunk: Voiced) -> bool:
        """Return whether a stored chunk is what the client expects."""
        voicing = chunk.voicing
        return (
            (self.voice is None or self.voice == voicing.voice)
            and (self.speed is None or self.speed == voicing.speed)
            and (self.model is None or self.model == voicing.model)
            and (self.text_hash is None or self.text_hash == chunk.text_hash)
        )


@dataclass(frozen=True)
class Chunk:
    """A chunk as its sidecar tells it.

    `path` is its MP3; `page` and `ordinal` count from 1, `block_index` from 0; `created_at` is in Unix
    seconds; `timings` is what the word-times routes answer.
    """

    path: Path
    ordinal: int
    page: int
    block_index: int
    text: str
    text_hash: str
    voicing: Voicing
    duration_s: float
    size_bytes: int
    sha256: str
    created_at: int
    timings: Mapping[str, object]

    @classmethod
    def from_json(cls, path: Path, fields: dict[str, Any]) -> Self:
        """Read a sidecar; raises KeyError or TypeError on one of another make."""
        voicing = Voicing(**{key: _checked(fields[key], kind) for key, kind in _VOICING.items()})
        plain = {name: _checked(fields[key], kind) for name, (key, kind) in _FIELDS.items()}
        return cls(path, voicing=voicing, **plain)

    def to_json(self) -> dict[str, object]:
        """Return the sidecar of this chunk."""
        plain = {key: getattr(self, name) for name, (key, _) in _FIELDS.items()}
        return {**asdict(self.voicing), "settingsHash": self.voicing.settings_hash, **plain}

    def to_metadata(self) -> dict[str, object]:
        """Return this chunk's entry in tts.meta.json: the plan's fields, and the hash of the text."""
        return {
            "index": self.ordinal - 1,
            "page": self.page,
            "blockIndex": self.block_index,
            "text": self.text,
            "fileName": self.path.name,
            "duration": self.duration_s,
            "textHash": self.text_hash,
        }


def read_chunk(sidecar: Path) -> Chunk | None:
    """Return the chunk that a sidecar describes, or None if it or its MP3 is missing or damaged."""
    audio = sidecar.with_suffix(".mp3")
    try:
        chunk = Chunk.from_json(audio, json.loads(sidecar.read_bytes()))
        whole = audio.stat().st_size == chunk.size_bytes
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return chunk if whole else None


def _checked(value: Any, kind: type | UnionType) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind}")
    return value


def open_audio(chunk: Chunk) -> BinaryIO:
    """Open a chunk's MP3 for reading; what is opened is this chunk's, and stays whole when it is replaced.

    Raises:
        FileNotFoundError: the chunk was removed or replaced since it was read.
    """
    file = chunk.path.open("rb")
    if not _is_of(chunk, file):
        file.close()
        raise FileNotFoundError(errno.ENOENT, "The chunk was replaced just now", str(chunk.path))
    return file


def _is_of(chunk: Chunk, file: BinaryIO) -> bool:
    """A sidecar goes before its MP3 is replaced: one that stands beside this very file is this file's."""
    try:
        same = read_chunk(chunk.path.with_suffix(".json")) == chunk
        return same and os.path.samestat(os.fstat(file.fileno()), chunk.path.stat())
    except OSError:
        return False


def audio_name(block: Block) -> str:
    """Return the file name of a block's chunk."""
    return f"{stem_of(block.ordinal, block.page, block.index)}.mp3"


def stem_of(ordinal: int, page: int, index: int) -> str:
    """Return what a chunk's MP3 and sidecar are called alike; its numbers are padded, but grow past the padding."""
    return f"{ordinal:04d}__page-{page:03d}__block-{index:03d}"


def place_of(name: str) -> tuple[int, int] | None:
    """Return the page and the block's index that an MP3's or sidecar's name tells, None for any other name."""
    match = CHUNK_FILE.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None
