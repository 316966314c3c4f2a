import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loadtests.chapters import Block, Chapters, ChaptersError, Voice
from loadtests.worker import Handout

CHAPTERS = Chapters("d", "ab", 3, (Voice("alloy", 1.0),), "tts-1", ((Block(1, 0, "One. " * 80, "h"),) * 100,))


def test_a_worker_gets_the_chapters_from_its_master(sent: Callable[[object], tuple[Any, int]]) -> None:
    """As Locust sends them, and small enough to be sent again with every step of the ramp."""
    arrived, size_bytes = sent(Handout.of(CHAPTERS, {"a_1": 0, "b_2": 1}).to_json())
    handout = Handout.from_json(arrived)
    assert handout.read_chapters() == CHAPTERS
    assert handout.ranks == {"a_1": 0, "b_2": 1}
    assert size_bytes < len(CHAPTERS.text()) / 10


def test_chapters_of_another_version_are_refused() -> None:
    """A master that is not of our version hands out what cannot be read."""
    broken = replace(Handout.of(CHAPTERS, {}), chapters=zlib.compress(b"{}"))
    with pytest.raises(ChaptersError):
        broken.read_chapters()
