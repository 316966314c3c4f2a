"""The text that the benchmarks read: as many full blocks as are asked for, no two alike."""

import random
from collections.abc import Iterator
from itertools import islice

from loadtests.corpus import prose

BLOCK_CHARACTERS = 446
"""Nearly the 450 of a block, so that each paragraph is one block and lasts as long as a block can."""


def paragraphs(blocks: int) -> list[str]:
    """Returns paragraphs of `BLOCK_CHARACTERS` at most, one for each block: a server splits none of them."""
    return list(islice(_filled(), blocks))


def text_of(blocks: int) -> str:
    """Returns the content of a text file of so many blocks."""
    return "\n\n".join(paragraphs(blocks)) + "\n"


def _filled() -> Iterator[str]:
    paragraph: list[str] = []
    size = -1
    for word in _words():
        if size + 1 + len(word) > BLOCK_CHARACTERS:
            yield " ".join(paragraph)
            paragraph, size = [], -1
        paragraph.append(word)
        size += 1 + len(word)


def _words() -> Iterator[str]:
    """Yield the words of the project's own document, then the same words shuffled: it fills some 680 blocks."""
    words = " ".join(dict.fromkeys(piece.text for piece in prose())).split()  # it says some things twice
    order = random.Random(1)
    while True:
        yield from words
        order.shuffle(words)
