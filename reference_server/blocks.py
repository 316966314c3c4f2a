"""A page's text cut into blocks that are spoken in one go.

The rules are those of the real application. Letters and digits are Unicode's, but for the capital that lacks
a space before it and the apostrophe's neighbours, which are ASCII there. White space is what JavaScript *or*
Python calls so: neither side may see a line break that the other does not. Standard library only, and pure.
"""

# ruff: noqa: RUF001 - typographic quotes are what this module is about

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise

MAX_BLOCK_CHARS = 450
"""A block is at most this long, unless a sentence has no earlier place to be cut at."""

MAX_OVERSIZE_CHARS = 900
"""How far such a sentence may run on to its first full stop, semicolon or colon."""

_SPACE = r"[\s\ufeff]"
_CLOSERS = "\"'”’»)]}"
_DOUBLE_QUOTES = frozenset('"“”„«»')
_SINGLE_QUOTES = frozenset("'‘’")
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "rev", "gen", "col", "capt", "lt", "sgt", "hon"}
    | {"vs", "etc", "cf", "fig", "figs", "vol", "pp", "eds", "approx", "dept", "inc", "ltd", "mm", "mme"}
)

_WHITE_SPACE = re.compile(f"{_SPACE}+")
_BLANK_LINES = re.compile(rf"\n{_SPACE}*\n")
_TOKEN = re.compile(r"[^\s\ufeff]+")
_LINK = re.compile(r"(?:https?://(?:www\.)?|www\.)(\w[\w.-]*)", re.IGNORECASE)
_BROKEN_WORD = re.compile(rf"(?<=\w)-{_SPACE}+(?=\w)")
_MISSING_SPACE = re.compile(rf"([^\W_])([.!?][{re.escape(_CLOSERS)}]?)(?=[A-Z])")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+")


def split_blocks(text: str, *, epub: bool = False) -> list[str]:
    """Return the blocks of `text` in order; none is empty, has a newline or double space or spans paragraphs.

    With `epub` every newline ends a paragraph and no missing space is put back; else a blank line ends one.
    Nothing is lost: but for white space, the blocks joined equal the paragraphs' cleaned form joined.
    """
    blocks: list[str] = []
    for paragraph in paragraphs(text, epub=epub):
        prose = paragraph if epub else _MISSING_SPACE.sub(_put_space_back, paragraph)
        pieces = [
            piece for quotation in _join_quotations(_sentences(prose)) for piece in _cut_oversize(quotation)
        ]
        blocks.extend(_pack(pieces))
    return blocks


def paragraphs(text: str, *, epub: bool = False) -> list[str]:
    """Return the paragraphs of `text` in their cleaned form, without those that cleaning leaves empty."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = lines.split("\n") if epub else _BLANK_LINES.split(lines)
    return [cleaned for part in parts if (cleaned := clean(part))]


def clean(text: str) -> str:
    """Return `text` as it is spoken: links named by host, broken words joined, no `*`, single spaces."""
    text = _TOKEN.sub(_name_link, text)
    text = _BROKEN_WORD.sub("", text)
    text = text.replace("*", "")
    return _WHITE_SPACE.sub(" ", text).strip(" ")


def text_hash(block: str) -> str:
    """Return the hex SHA-256 of a block's text as UTF-8: the identity of what is spoken."""
    return hashlib.sha256(block.encode("utf-8", "surrogatepass")).hexdigest()


def _name_link(token: re.Match[str]) -> str:
    # Token by token, for a pattern that looks around a link for what touches it is quadratic on long tokens.
    link = _LINK.search(token[0])
    return f"- (link to {link[1].rstrip('.-')}) -" if link else token[0]


def _put_space_back(match: re.Match[str]) -> str:
    before, mark = match.groups()
    fits = before.islower() or (before.isascii() and before.isdigit())
    return f"{before}{mark} " if fits else match[0]


def _sentences(paragraph: str) -> Iterator[str]:
    words = paragraph.split(" ")
    start = 0
    for at, (word, following) in enumerate(pairwise(words), start=1):
        if _ends_sentence(word) and not following[0].islower():
            yield " ".join(words[start:at])
            start = at
    yield " ".join(words[start:])


def _ends_sentence(word: str) -> bool:
    bare = word.rstrip(_CLOSERS)
    if not bare.endswith((".", "!", "?", "…")):
        return False
    name = bare.lstrip("\"'“‘«([{")
    return not (_DOTTED.fullmatch(name) or name[:-1].lower() in _ABBREVIATIONS)


def _join_quotations(sentences: Iterator[str]) -> Iterator[str]:
    open_quotation: list[str] = []
    for sentence in sentences:
        toggles = _has_odd_quotes(sentence)
        if open_quotation or toggles:
            open_quotation.append(sentence)
        if not open_quotation:
            yield sentence
        elif toggles and len(open_quotation) > 1:
            yield " ".join(open_quotation)
            open_quotation = []
    if open_quotation:
        yield " ".join(open_quotation)


def _has_odd_quotes(sentence: str) -> bool:
    double = sum(sentence.count(quote) for quote in _DOUBLE_QUOTES)
    single = sum(
        char in _SINGLE_QUOTES
        and not (_is_ascii_alnum(sentence, at - 1) and _is_ascii_alnum(sentence, at + 1))
        for at, char in enumerate(sentence)
    )
    return bool(double % 2 or single % 2)


def _is_ascii_alnum(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and text[at].isalnum()


def _cut_oversize(sentence: str) -> Iterator[str]:
    start = 0
    while len(sentence) - start > MAX_BLOCK_CHARS:
        end = _cut_end(sentence, start)
        yield sentence[start:end]
        start = end + (sentence[end : end + 1] == " ")
    if start < len(sentence):
        yield sentence[start:]


def _cut_end(text: str, start: int) -> int:
    near, far = start + MAX_BLOCK_CHARS, start + MAX_OVERSIZE_CHARS
    for marks in (".!?", ";:"):
        ends = [end for end in _ends_after(marks, text, start, far) if end <= far]
        within = [end for end in ends if end <= near]
        if within:
            return within[-1]
        if ends:
            return ends[0]
    space = text.rfind(" ", start + 1, near + 1)
    return space if space > start else near


def _ends_after(marks: str, text: str, start: int, far: int) -> Iterator[int]:
    for at in range(start, min(far, len(text))):
        if text[at] in marks:
            end = at + 1
            while end < len(text) and text[end] in _CLOSERS:
                end += 1
            if end == len(text) or text[end] == " " or text[end].isupper():
                yield end


def _pack(pieces: list[str]) -> Iterator[str]:
    current = ""
    for piece in pieces:
        if current and len(current) + 1 + len(piece) <= MAX_BLOCK_CHARS:
            current = f"{current} {piece}"
            continue
        if current:
            yield current
        current = piece
    if current:
        yield current
