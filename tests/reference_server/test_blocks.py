"""Splitting follows the contract's facts, and loses nothing of any text."""

# ruff: noqa: RUF001 - typographic quotes are what this module is about

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.blocks import (
    MAX_BLOCK_CHARS,
    MAX_OVERSIZE_CHARS,
    clean,
    paragraphs,
    split_blocks,
    text_hash,
)

ANY_TEXT = st.text() | st.text(alphabet="aZé3.!?;:\"'“”’()* \n\r-\u00a0\ufeff\x85", max_size=2000)
LONG_TEXT = st.lists(
    st.sampled_from(
        ["word", "End.", "3.14", "“Go!”", "it's", "a;b", "so:", "X" * 300, "\n", "\n\n", "don't.Then"]
    ),
    max_size=400,
).map(" ".join)


def _squash(text: str) -> str:
    return re.sub(r"[\s\ufeff]+", "", text)


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\r\n", "***", "\ufeff"])
def test_nothing_to_say_gives_no_block(text: str) -> None:
    """An empty or blank text gives no block."""
    assert split_blocks(text) == []


def test_two_paragraphs_never_share_a_block() -> None:
    """A blank line, also one with spaces in it, ends a block."""
    assert split_blocks("One.\n\nTwo.\n \t\nThree.") == ["One.", "Two.", "Three."]


def test_a_single_newline_is_a_space() -> None:
    """Lines of one paragraph are read on, whichever way the line ends."""
    assert split_blocks("One line\nand\r\nanother\rone.") == ["One line and another one."]


def test_a_missing_space_is_put_back_but_numbers_stay() -> None:
    """`ends.Here` gains its space while `3.14.Next` keeps its number whole."""
    assert split_blocks("This ends.Here is 3.14.Next one.") == ["This ends. Here is 3.14. Next one."]


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("He left.”Then came", "He left.” Then came"),
        ("été.Puis", "été. Puis"),
        ("U.S.A", "U.S.A"),
        ("one.two", "one.two"),
        ("ends.Été", "ends.Été"),
        ("x_.Y", "x_.Y"),
        ("wait...Now", "wait...Now"),
    ],
)
def test_the_repair_needs_a_small_letter_or_digit_and_an_ascii_capital(text: str, block: str) -> None:
    """The space is put back there and nowhere else."""
    assert split_blocks(text) == [block]


def test_epub_lines_are_paragraphs_without_repair() -> None:
    """In an EPUB every newline ends a paragraph, and `ends.Here` stays."""
    assert split_blocks("One.\nTwo.", epub=True) == ["One.", "Two."]
    assert split_blocks("This ends.Here", epub=True) == ["This ends.Here"]


def test_eight_sentences_of_101_characters() -> None:
    """Eight 101-character sentences give several blocks of at most 450: four to a block."""
    sentence = "S" + "a" * 99 + "."
    blocks = split_blocks(" ".join([sentence] * 8))
    assert blocks == [" ".join([sentence] * 4)] * 2


def test_packing_is_exact_at_the_limit() -> None:
    """Sentences that make exactly 450 with their space share a block; one character more parts them."""
    first = "A" * 199 + "."
    fits, over = "B" * 248 + ".", "B" * 249 + "."
    assert split_blocks(f"{first} {fits}") == [f"{first} {fits}"]
    assert split_blocks(f"{first} {over}") == [first, over]


@pytest.mark.parametrize("text", ["word " * 1200, "A" * 1200])
def test_text_without_any_mark_is_cut_at_450(text: str) -> None:
    """Words without a full stop, and one endless word, give blocks of at most 450."""
    blocks = split_blocks(text)
    assert all(len(block) <= MAX_BLOCK_CHARS for block in blocks)
    assert _squash("".join(blocks)) == _squash(text)


@pytest.mark.parametrize("epub", [False, True])
def test_sentences_without_spaces_between_end_on_a_full_stop(epub: bool) -> None:  # noqa: FBT001 - a parameter
    """80 sentences with no space between them end each block on a full stop within 900."""
    text = "".join(f"This is the sentence number {n} of a page." for n in range(80))
    blocks = split_blocks(text, epub=epub)
    assert len(blocks) > 1
    assert all(block.endswith(".") and len(block) <= MAX_OVERSIZE_CHARS for block in blocks)


def test_a_quotation_stays_together() -> None:
    """Two sentences inside one pair of quotation marks are one piece, even where packing would part them."""
    before = "A" * 320 + "."
    quotation = "“Come in here. " + "Sit down, " * 12 + "please.”"
    assert split_blocks(f"{before} {quotation} Then he sat.") == [before, f"{quotation} Then he sat."]


def test_single_quotes_open_a_quotation_but_apostrophes_do_not() -> None:
    """`'Go. Now.'` is kept together, `it's` opens nothing."""
    filler = "B" * 435 + "."
    assert split_blocks(f"{filler} 'Go. Now, I say.'") == [filler, "'Go. Now, I say.'"]
    assert split_blocks(f"{filler} It's so. Now, I say, go.") == [f"{filler} It's so.", "Now, I say, go."]


def test_an_unclosed_quotation_ends_with_its_paragraph() -> None:
    """A quotation mark that nobody closes does not swallow the next paragraph."""
    assert split_blocks("“Go. Now.\n\nHe went. Far.") == ["“Go. Now.", "He went. Far."]


@pytest.mark.parametrize(
    ("sentence", "first"),
    [
        ("a" * 100 + ".” " + "b" * 500, "a" * 100 + ".”"),
        ("a" * 500 + ") b." + "C" * 100 + ". d" * 200, "a" * 500 + ") b."),
        ("a" * 300 + "; b: " + "c" * 400, "a" * 300 + "; b:"),
        ("a" * 460 + "; b: " + "c" * 400, "a" * 460 + ";"),
        ("a" * 300 + " " + "b" * 400, "a" * 300),
        ("a" * 449 + ". " + "b" * 400, "a" * 449 + "."),
        ("a" * 450 + " " + "b" * 400, "a" * 450),
        ("a" * 451 + " " + "b" * 400, "a" * 450),
        ("a" * 899 + ". " + "b" * 400, "a" * 899 + "."),
        ("a" * 900 + ". " + "b" * 400, "a" * 450),
        ("a" * 440 + "3.14" + "b" * 20 + " c", "a" * 440 + "3.14" + "b" * 6),
    ],
)
def test_an_oversize_sentence_is_cut_at_the_first_place_that_the_rules_allow(
    sentence: str, first: str
) -> None:
    """Full stop before 450, then up to 900, then semicolon or colon alike, then a space, then 450 flat."""
    assert split_blocks(sentence, epub=True)[0] == first


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("see https://www.example.com/a?b=c, now", "see - (link to example.com) - now"),
        ("(www.example.com)", "- (link to example.com) -"),
        ("HTTP://localhost:8003/x", "- (link to localhost) -"),
        ("hyphen-\nated and pre- \t fix", "hyphenated and prefix"),
        ("a - b well-known -  c", "a - b well-known - c"),
        ("**bold** *it*", "bold it"),
        ("a \u00a0\ufeff\x85 b", "a b"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    """Links are named by host, broken words joined, stars dropped, white space collapsed, in this order."""
    assert clean(text) == cleaned


def test_common_abbreviations_end_no_sentence() -> None:
    """`Dr. Smith` is not torn apart between two blocks."""
    filler = "B" * 436 + "."
    assert split_blocks(f"{filler} Dr. Smith of the U.S. Army came.") == [
        filler,
        "Dr. Smith of the U.S. Army came.",
    ]


def test_the_hash_is_that_of_the_text() -> None:
    """The hash is the well-known SHA-256, and any string a page can hold has one."""
    assert text_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert text_hash("\ud800") != text_hash("\ud801")


@given(ANY_TEXT | LONG_TEXT, st.booleans())
def test_nothing_is_lost(text: str, epub: bool) -> None:  # noqa: FBT001 - drawn, not passed
    """But for white space, the blocks joined equal the cleaned paragraphs joined."""
    blocks = split_blocks(text, epub=epub)
    assert _squash("".join(blocks)) == _squash("".join(paragraphs(text, epub=epub)))


@given(st.text(alphabet="aZ.!? \n\"'", max_size=1500))
def test_blocks_joined_by_spaces_equal_the_text(text: str) -> None:
    """Where cleaning has nothing to remove, nothing but white space differs from the text itself."""
    assert _squash(" ".join(split_blocks(text))) == _squash(text) == _squash(clean(text))


@given(ANY_TEXT | LONG_TEXT, st.booleans())
def test_every_block_can_be_spoken(text: str, epub: bool) -> None:  # noqa: FBT001 - drawn, not passed
    """Every block is non-empty, within 900, has no newline, no double space and no space at its ends."""
    for block in split_blocks(text, epub=epub):
        assert 0 < len(block) <= MAX_OVERSIZE_CHARS
        assert not re.search(r"[\n\r\u2028\u2029\x85]|  ", block)
        assert block == block.strip(" ")


@given(LONG_TEXT)
def test_a_block_longer_than_450_is_one_piece_that_a_rule_allowed(text: str) -> None:
    """Only a sentence without a mark before 450 makes a longer block, which then ends with its mark."""
    for block in split_blocks(text):
        if len(block) > MAX_BLOCK_CHARS:
            assert block.rstrip("\"'”’»)]}")[-1] in ".!?;:"


@given(ANY_TEXT)
def test_cleaning_leaves_single_spaces_only(text: str) -> None:
    """No star, no newline, no double space remains."""
    cleaned = clean(text)
    assert "*" not in cleaned
    assert not re.search(r"[^\S ]|  |^ | $|\ufeff", cleaned)


@pytest.mark.parametrize(
    "text", ["A" * 200_000, "." * 200_000, "“" * 200_000, "a- " * 70_000, "\n " * 100_000]
)
def test_hostile_text_is_split_in_linear_time(text: str) -> None:
    """A page of one repeated character costs about what a page of prose costs."""
    began_s = time.process_time()
    blocks = split_blocks(text)
    assert time.process_time() - began_s < 5  # quadratic would be minutes, linear is a fraction of a second
    assert _squash("".join(blocks)) == _squash(" ".join(paragraphs(text)))
