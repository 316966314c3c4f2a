"""The times of a block's words: their type, their wire shape, and how heard words meet a known text."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from difflib import SequenceMatcher
from itertools import pairwise

_WORD = re.compile(r"\S+")
_ATOM = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class WordTime:
    """When one word of a block is spoken.

    Attributes:
        text: the word as it stands in the block, with the punctuation that touches it.
        start_s: where it begins, in seconds from the beginning of the block's audio.
        end_s: where it ends; never before ``start_s``.
        char_start: index of its first character in the block's text.
        char_end: index after its last character.
    """

    text: str
    start_s: float
    end_s: float
    char_start: int
    char_end: int


@dataclass(frozen=True, slots=True)
class _Atom:
    """A run of letters and digits: the unit in which a text and a transcript are compared."""

    sound: str
    word: int


_Span = tuple[float, float]


def alignment_json(text: str, words: Sequence[WordTime] | None) -> dict[str, object]:
    """Return the answer of the word-times routes: one sentence, the whole block, with its timed words.

    Without an aligner (`words` is None) there is no sentence, as nothing was listened to.
    """
    if words is None:
        return {"alignments": []}
    timed = [
        {
            "text": word.text,
            "startSec": word.start_s,
            "endSec": word.end_s,
            "charStart": word.char_start,
            "charEnd": word.char_end,
        }
        for word in words
    ]
    return {"alignments": [{"sentence": text, "sentenceIndex": 0, "words": timed}]}


def dump_words(words: Sequence[WordTime]) -> str:
    """Return one line of JSON from which `load_words` makes the same words: how a child process answers."""
    return json.dumps([astuple(word) for word in words])


def load_words(line: str | bytes) -> list[WordTime]:
    """Read what `dump_words` wrote.

    Raises:
        ValueError: the line is something else.
    """
    try:
        return [WordTime(*fields) for fields in json.loads(line)]
    except TypeError as error:
        raise ValueError(f"not a list of words: {line[:80]!r}") from error


def map_words(text: str, heard: Sequence[tuple[str, float, float]]) -> list[WordTime]:
    """Give the words of a known text the times of the words that were heard.

    Both sides are cut into runs of letters and digits without regard to case, and the two sequences are
    aligned. What agrees takes the time heard. Where other words were heard than the text has, the text's
    words share the time of those heard, in proportion to their length: right at the edges, a guess
    inside. Words of the text with no counterpart share the silence between their neighbours; when there
    is none, or nothing was heard after them, they are left out, because a highlighter does better without
    a time than with a wrong one. Marks that are not spoken, such as a lone dash, are left out too.

    Args:
        text: the block as it was sent to be spoken.
        heard: word, start and end in seconds, in the order heard.

    Returns:
        The timed words in the order of the text, to the millisecond; starts and ends never run backwards.
    """
    places = [match.span() for match in _WORD.finditer(text)]
    atoms = [_Atom(sound, i) for i, (a, b) in enumerate(places) for sound in _sounds(text[a:b])]
    times: dict[int, _Span] = {}
    for atom, (start, end) in _timed(atoms, list(_split_heard(heard))):
        times[atom.word] = (times[atom.word][0] if atom.word in times else start, end)
    return [
        WordTime(text[a:b], round(times[i][0], 3), round(times[i][1], 3), a, b)
        for i, (a, b) in enumerate(places)
        if i in times
    ]


def _sounds(word: str) -> list[str]:
    return [found.casefold() for found in _ATOM.findall(word)]


def _split_heard(heard: Sequence[tuple[str, float, float]]) -> Iterator[tuple[str, _Span]]:
    latest_s = 0.0
    for word, start, end in heard:
        sounds = _sounds(word)
        span = (max(start, latest_s), max(end, start, latest_s))
        yield from zip(sounds, _share(span, sounds), strict=True)
        latest_s = span[1] if sounds else latest_s


def _share(span: _Span, sounds: Sequence[str]) -> list[_Span]:
    """Cut a span of time in proportion to the length of what is said in it."""
    start, end = span
    total = sum(map(len, sounds))
    edges, done = [start], 0
    for sound in sounds:
        done += len(sound)
        edges.append(end if done == total else start + (end - start) * done / total)
    return list(pairwise(edges))


def _timed(atoms: list[_Atom], heard: list[tuple[str, _Span]]) -> Iterator[tuple[_Atom, _Span]]:
    """Yield the atoms of the text that have a time, in order."""
    sounds = [atom.sound for atom in atoms]
    matcher = SequenceMatcher(None, sounds, [sound for sound, _ in heard], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(atoms[a:b], (span for _, span in heard[c:d]), strict=True)
        elif tag == "replace":
            span = (heard[c][1][0], heard[d - 1][1][1])
            yield from zip(atoms[a:b], _share(span, sounds[a:b]), strict=True)
        elif tag == "delete" and c < len(heard):
            gap = (heard[c - 1][1][1] if c else 0.0, heard[c][1][0])
            if gap[1] > gap[0]:
                yield from zip(atoms[a:b], _share(gap, sounds[a:b]), strict=True)
