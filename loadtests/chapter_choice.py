"""Which blocks of a document become chapters."""

from collections.abc import Callable, Sequence

from loadtests.chapters import Block, ChaptersError


def choose_chapters(
    pages: int, load_page: Callable[[int], Sequence[Block]], chapters: int, blocks: int
) -> list[tuple[Block, ...]]:
    """Spreads chapters of consecutive blocks evenly over a document.

    Chapter c starts on page ``1 + c * pages // chapters``, or after the chapter before it where that one
    reached further. It takes whole pages, skipping those without blocks, until it has at least ``blocks``
    blocks, and is then cut to exactly that many, so the last page of a chapter may be read in part.
    Chapters never overlap: a short document gives fewer, or a shorter last one.

    Args:
        pages: how many pages the document has.
        load_page: gives the blocks of a page (from 1); called at most once a page.
        chapters: how many chapters are wanted.
        blocks: how many blocks each should have.

    Raises:
        ChaptersError: no page has a block.
    """
    chosen: list[tuple[Block, ...]] = []
    next_page = 1
    for number in range(chapters):
        page = max(next_page, 1 + number * pages // chapters)
        taken: list[Block] = []
        while len(taken) < blocks and page <= pages:
            taken.extend(load_page(page))
            page += 1
        next_page = page
        if taken:
            chosen.append(tuple(taken[:blocks]))
    if not chosen:
        raise ChaptersError(
            f"none of the document's {pages} pages has a block. Choose a document that has text."
        )
    return chosen
