"""A block's place in the document does not depend on which pages are made."""

import pytest

from reference_server.blocks import split_blocks, text_hash
from reference_server.errors import ApiError
from reference_server.outline import Outline

PAGES = ["One.\n\nTwo.", "", "Three."]


def test_ordinals_follow_the_document() -> None:
    """Ordinals count from 1 through all pages; indices start again on each; empty pages have no block."""
    outline = Outline.of(PAGES)
    places = [(block.ordinal, block.page, block.index, block.text) for block in outline.blocks]
    assert places == [(1, 1, 0, "One."), (2, 1, 1, "Two."), (3, 3, 0, "Three.")]
    assert [len(page) for page in outline.pages] == [2, 0, 1]


def test_blocks_are_those_of_the_splitter() -> None:
    """An outline adds places to the splitter's blocks, and nothing else."""
    page = Outline.of(PAGES).page(1)
    assert [block.text for block in page] == split_blocks(PAGES[0])
    assert [block.text_hash for block in page] == [text_hash("One."), text_hash("Two.")]


@pytest.mark.parametrize("number", [0, -1, 4])
def test_a_page_that_is_not_there_names_those_that_are(number: int) -> None:
    """Pages count from 1, and the refusal says up to where."""
    with pytest.raises(ApiError, match="1 to 3") as caught:
        Outline.of(PAGES).page(number)
    assert (caught.value.status, caught.value.code) == (404, "NO_PAGE")


@pytest.mark.parametrize(("page", "index"), [(0, 0), (4, 0), (1, 2), (1, -1), (2, 0)])
def test_a_block_that_is_not_there_is_none(page: int, index: int) -> None:
    """Neither end of the range wraps around."""
    assert Outline.of(PAGES).block(page, index) is None


def test_what_an_outline_costs_grows_with_its_text() -> None:
    """The cost counts every character and something for each block, so that it can bound a cache."""
    assert Outline.of([]).kept_chars == 0
    assert Outline.of(["a" * 400]).kept_chars > 400
