"""A document's blocks, in document order, with the places they keep whatever part of it is generated."""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Self

from reference_server.blocks import split_blocks, text_hash
from reference_server.damage import damage_told
from reference_server.errors import ApiError
from reference_server.file_mark import Mark, mark_of
from reference_server.pages_file import PageSize, PagesReader, PagesWriter


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document; `page` counts from 1, `index` from 0 in its page, `ordinal` from 1 in all."""

    page: int
    index: int
    ordinal: int
    text: str

    @property
    def text_hash(self) -> str:
        """The hex SHA-256 of the block's text."""
        return text_hash(self.text)


class Outline:
    """All blocks of a document, read page by page when asked for: what it holds is an open file.

    The file stays the same one when the document is replaced or removed, and is closed with the outline, or by
    `close`, after which nothing can be read.
    Everything that reads raises ApiError 500 `DOCUMENT_DAMAGED` where the disk gives other bytes than written.
    """

    def __init__(self, pages: PagesReader, document_id: str) -> None:
        self._pages = pages
        self._closing: weakref.finalize[[int], Self] | None = None
        self._document_id = document_id
        self.mark: Mark | None = None
        """That of its file when it was opened; None in memory."""
        self.page_count = pages.pages
        self.block_count = pages.blocks
        self.characters = pages.characters

    @classmethod
    def open(cls, path: Path, document_id: str) -> Self:
        """Open a document's pages file; raises FileNotFoundError, ApiError 500 `DOCUMENT_DAMAGED`."""
        with damage_told(document_id):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                stat = os.fstat(descriptor)
                pages = PagesReader(partial(_read_at, descriptor), stat.st_size)
            except BaseException:
                os.close(descriptor)
                raise
        outline = cls(pages, document_id)
        outline.mark = mark_of(stat)
        outline._closing = weakref.finalize(outline, os.close, descriptor)
        return outline

    @classmethod
    def of(cls, page_texts: Iterable[str], *, epub: bool = False) -> Self:
        """Cut every page of a document into its blocks, in memory."""
        file = io.BytesIO()
        writer = PagesWriter(file)
        for text in page_texts:
            writer.add(split_blocks(text, epub=epub))
        writer.finish()
        data = file.getvalue()
        return cls(PagesReader(lambda offset, size: data[offset : offset + size], len(data)), "in memory")

    def close(self) -> None:
        """Close the file now, so that a document that was removed takes no more room; in memory there is none."""
        if self._closing is not None:
            del self._pages  # its descriptor may soon be another file's
            self._closing()
            self._closing = None

    def page(self, number: int) -> tuple[Block, ...]:
        """Return the blocks of a page, counted from 1.

        Raises:
            ApiError: 404 `NO_PAGE`, naming the pages that there are.
        """
        if not 1 <= number <= self.page_count:
            raise ApiError(404, "NO_PAGE", f"There is no page {number}. Ask for 1 to {self.page_count}.")
        before, texts = self._page(number)
        return tuple(Block(number, at, before + at + 1, text) for at, text in enumerate(texts))

    def block(self, page: int, index: int) -> Block | None:
        """Return one block, or None where the document has none."""
        if not 1 <= page <= self.page_count:
            return None
        before, texts = self._page(page)
        return Block(page, index, before + index + 1, texts[index]) if 0 <= index < len(texts) else None

    def pages(self) -> Iterator[tuple[Block, ...]]:
        """Yield the blocks of every page, in order."""
        return map(self.page, range(1, self.page_count + 1))

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks, in document order."""
        return chain.from_iterable(self.pages())

    def sizes(self) -> list[PageSize]:
        """Return the size of every page without reading any."""
        with damage_told(self._document_id):
            return list(self._pages.sizes())

    def _page(self, number: int) -> tuple[int, list[str]]:
        with damage_told(self._document_id):
            return self._pages.page(number)


def _read_at(descriptor: int, offset: int, size: int) -> bytes:
    return os.pread(descriptor, size, offset)
