"""The file that holds a document's blocks, page by page, written by the child and read one page at a time.

Layout: one JSON line a page, a list of its blocks' texts; then one record a page and one for the end, each of
offset, blocks before, characters before and a checksum; then a mark. So a page is found with two reads and the
totals with one, whatever the document's length. It is read with `pread` and not mapped: what cannot be read
from a failing disk is then an OSError, not a signal that kills the server.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from reference_server.errors import ServerError

MAX_PAGE_CHARACTERS = 200_000
"""A longer page goes on as the next one: one page is what the server holds of a document at a time."""

MAX_PAGE_BLOCKS = 2_000
"""As `MAX_PAGE_CHARACTERS`, for pages of many short blocks."""

_MARK = b"pages 1\n"
_NUMBERS = struct.Struct("<QII")
_RECORD = struct.Struct("<QIII")

ReadAt = Callable[[int, int], bytes]
"""Reads so many bytes from such an offset, fewer at the end."""


class DamagedError(ServerError):
    """The bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many blocks a page has, and characters in them; `page` counts from 1."""

    page: int
    blocks: int
    characters: int


class PagesWriter:
    """Writes pages as they come; `finish` makes the file whole."""

    def __init__(self, file: BinaryIO) -> None:
        self.pages = self.blocks = self.characters = 0
        self._file = file
        self._offset = 0
        self._records = bytearray()

    def add(self, blocks: Sequence[str]) -> None:
        """Write a page's blocks; those that pass a limit of one page go on as the next."""
        page: list[str] = []
        characters = 0
        for block in blocks:
            if page and (characters + len(block) > MAX_PAGE_CHARACTERS or len(page) == MAX_PAGE_BLOCKS):
                self._write(page, characters)
                page, characters = [], 0
            page.append(block)
            characters += len(block)
        self._write(page, characters)

    def finish(self) -> None:
        """Write the records and the mark."""
        self._record(b"")
        self._file.write(self._records + _MARK)

    def _write(self, blocks: list[str], characters: int) -> None:
        line = json.dumps(blocks, ensure_ascii=False).encode() + b"\n"
        self._record(line)
        self._file.write(line)
        self._offset += len(line)
        self.pages += 1
        self.blocks += len(blocks)
        self.characters += characters

    def _record(self, line: bytes) -> None:
        numbers = _NUMBERS.pack(self._offset, self.blocks, self.characters)
        self._records += numbers + _checksum(numbers, line).to_bytes(4, "little")


class PagesReader:
    """A pages file, of which nothing is held but its totals."""

    def __init__(self, read: ReadAt, size_bytes: int) -> None:
        """Look at the end of the file; raises DamagedError, or OSError."""
        self._read = read
        tail = read(max(0, size_bytes - _RECORD.size - len(_MARK)), _RECORD.size + len(_MARK))
        if len(tail) != _RECORD.size + len(_MARK) or not tail.endswith(_MARK):
            raise DamagedError("its end is missing")
        self._end, self.blocks, self.characters, checksum = _RECORD.unpack_from(tail)
        records, rest = divmod(size_bytes - len(_MARK) - self._end, _RECORD.size)
        if checksum != _checksum(tail[: _NUMBERS.size], b"") or rest or records < 1:
            raise DamagedError("its totals are damaged")
        self.pages = records - 1

    def page(self, number: int) -> tuple[int, list[str]]:
        """Return how many blocks come before a page, counted from 1, and its blocks' texts.

        Raises:
            DamagedError: its bytes are not those that were written.
            OSError: it cannot be read.
        """
        two = self._read(self._end + (number - 1) * _RECORD.size, 2 * _RECORD.size)
        if len(two) != 2 * _RECORD.size:
            raise DamagedError(f"page {number} has no place")
        offset, before, _, checksum = _RECORD.unpack_from(two)
        following, *_ = _RECORD.unpack_from(two, _RECORD.size)
        if not offset < following <= self._end:
            raise DamagedError(f"page {number} has no place")
        line = self._read(offset, following - offset)
        if _checksum(two[: _NUMBERS.size], line) != checksum:
            raise DamagedError(f"page {number} is damaged")
        texts: list[str] = json.loads(line)
        return before, texts

    def sizes(self) -> Iterator[PageSize]:
        """Yield the size of every page; raises DamagedError, or OSError."""
        records = self._read(self._end, (self.pages + 1) * _RECORD.size)
        if len(records) != (self.pages + 1) * _RECORD.size:
            raise DamagedError("its records are missing")
        before = None
        for at, (_, blocks, characters, _) in enumerate(_RECORD.iter_unpack(records)):
            if before is not None:
                if blocks < before[0] or characters < before[1]:
                    raise DamagedError(f"page {at} has no size")
                yield PageSize(at, blocks - before[0], characters - before[1])
            before = blocks, characters


def _checksum(numbers: bytes, line: bytes) -> int:
    return zlib.crc32(line, zlib.crc32(numbers))
