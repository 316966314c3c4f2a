"""whisper.cpp as the aligner: how the real application asks it, and what its answer says.

The arguments are those of richardr1126/OpenReader-WebUI, `src/app/api/whisper/route.ts`: model, file, the
answer's place without its ending, JSON with tokens, no printing; the language only where one is named, so
that whisper.cpp takes English otherwise. The answer is a file: `transcription` holds segments, a segment
`tokens`, a token its `text` and `offsets` in milliseconds; a space at its beginning starts a new word.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_server.model import HeardWord
from reference_server.words import WordTime, map_words

_SPECIAL = re.compile(r"\s*\[_.*\]\s*", re.DOTALL)
"""Tokens that are not said, such as `[_BEG_]` and `[_TT_150]`."""

_LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
"""A block's answer has some 50 kB; this is only so that nothing monstrous is read into the server."""


@dataclass(frozen=True)
class WhisperCpp:
    """The program, whisper.cpp's `whisper-cli`, and its model file."""

    program: str
    model: Path

    def command(self, wav: Path, lang: str | None) -> tuple[str, ...]:
        """Return the command that listens to a 16 kHz mono WAV and leaves its answer beside it."""
        language = () if lang is None else ("-l", lang)
        asked = ("-m", str(self.model), "-f", str(wav), "-of", str(_answer_stem(wav)), "-ojf", "-np")
        return (self.program, *asked, *language)

    def words(self, wav: Path, text: str) -> list[WordTime]:
        """Return the words of a text at the times of what was heard, from the answer that `command` left.

        Raises:
            ValueError: the answer is missing, too long, or something else.
            OSError: it cannot be read.
        """
        path = _answer_stem(wav).with_suffix(".json")
        if not path.exists():  # it ends with 0 all the same, after a language that it does not know
            raise ValueError(f"it wrote no {path.name}")
        if path.stat().st_size > _LONGEST_ANSWER_BYTES:
            raise ValueError(f"{path.name} has more than {_LONGEST_ANSWER_BYTES} bytes")
        return map_words(text, heard_words(path.read_bytes()))


def heard_words(answer: bytes) -> list[HeardWord]:
    """Return the words of an answer of whisper.cpp with their times in seconds.

    A token can end inside a character, so tokens are joined to words as bytes; what is then still no UTF-8
    becomes U+FFFD. A segment without tokens (`-oj`, or an old program) counts as one long word.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        # Not strict: whisper.cpp escapes quotes and backslashes, and nothing else.
        segments = json.loads(answer.decode(errors="surrogateescape"), strict=False)["transcription"]
        found = [word for segment in segments for word in _words_of(segment)]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an answer of whisper.cpp ({type(error).__name__}: {error})") from error
    return [(word.encode(errors="surrogateescape").decode(errors="replace"), a, b) for word, a, b in found]


def _answer_stem(wav: Path) -> Path:
    return wav.with_name("heard")


def _words_of(segment: dict[str, Any]) -> Iterator[HeardWord]:
    """Yield a segment's words; one that goes on from the segment before begins a new one, as it must."""
    word, start, end = "", 0.0, 0.0
    for token in segment.get("tokens") or [segment]:
        text = token["text"]
        if _SPECIAL.fullmatch(text):
            continue
        token_start, token_end = (_seconds(token["offsets"][side]) for side in ("from", "to"))
        if word and text[:1].isspace():
            yield word, start, end
            word = ""
        if not word:
            start = token_start
        word, end = word + text, token_end
    if word:
        yield word, start, end


def _seconds(offset_ms: object) -> float:
    if isinstance(offset_ms, bool) or not isinstance(offset_ms, int):
        raise TypeError(f"{str(offset_ms)[:40]!r} is no time in milliseconds")
    return max(0, min(offset_ms, 86_400_000)) / 1000
