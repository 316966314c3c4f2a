"""The text that the benchmarks read."""

from benchmarks.document import text_of
from reference_server.blocks import split_blocks

BLOCKS = 900  # more than the project's own document gives before its words come again


def test_a_server_makes_as_many_full_blocks_of_the_text_as_were_asked_for_no_two_alike() -> None:
    """GIVEN a text of many paragraphs WHEN a server splits it THEN each is one block, long, and like no other."""
    blocks = split_blocks(text_of(BLOCKS))
    assert len(blocks) == BLOCKS
    assert len(set(blocks)) == BLOCKS
    assert min(map(len, blocks)) > 400
