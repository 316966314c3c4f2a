"""A document's blocks, in document order, with the places they keep whatever part of it is generated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Self

from reference_server.blocks import split_blocks, text_hash
from reference_server.errors import ApiError

_BLOCK_OVERHEAD = 150
"""What a kept block costs besides its text, in bytes: the object, its place in a tuple, the string's head."""


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


@dataclass(frozen=True)
class Outline:
    """All blocks of a document, in document order, page by page."""

    pages: tuple[tuple[Block, ...], ...]

    @classmethod
    def of(cls, page_texts: list[str]) -> Self:
        """Cut every page of a document into its blocks."""
        pages, ordinal = [], 0
        for number, text in enumerate(page_texts, start=1):
            texts = split_blocks(text)
            pages.append(tuple(Block(number, at, ordinal + at + 1, block) for at, block in enumerate(texts)))
            ordinal += len(texts)
        return cls(tuple(pages))

    def page(self, number: int) -> tuple[Block, ...]:
        """Return the blocks of a page, counted from 1.

        Raises:
            ApiError: 404 `NO_PAGE`, naming the pages that there are.
        """
        if not 1 <= number <= len(self.pages):
            raise ApiError(404, "NO_PAGE", f"There is no page {number}. Ask for 1 to {len(self.pages)}.")
        return self.pages[number - 1]

    def block(self, page: int, index: int) -> Block | None:
        """Return one block, or None where the document has none."""
        if 1 <= page <= len(self.pages) and 0 <= index < len(self.pages[page - 1]):
            return self.pages[page - 1][index]
        return None

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks, in document order."""
        return chain.from_iterable(self.pages)

    @property
    def kept_chars(self) -> int:
        """About what keeping this outline costs, in characters."""
        return sum(len(block.text) + _BLOCK_OVERHEAD for block in self.blocks)
