"""The text that the benchmarks read."""

from benchmarks.document import paragraphs, text_of
from reference_server.blocks import split_blocks

BLOCKS = 900  # more than the document of the project gives before its words come again


def test_each_paragraph_is_one_full_block_and_no_two_are_alike() -> None:
    """GIVEN a text of many blocks WHEN a server splits it THEN it has that many, all long, all different."""
    blocks = split_blocks(text_of(BLOCKS))
    # A server puts back a space that is missing after a full stop.
    assert [block.replace(" ", "") for block in blocks] == [
        text.replace(" ", "") for text in paragraphs(BLOCKS)
    ]
    assert len(set(blocks)) == BLOCKS
    assert min(map(len, blocks)) > 400
