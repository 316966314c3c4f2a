from pathlib import Path
from typing import Any

import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests import made_ready
from loadtests.chapters import Block, Chapters, ChaptersError, Voice
from loadtests.options import add_options, parse_options
from loadtests.preparation import Preparation

CHAPTERS = Chapters("d", "ab", 3, (Voice("alloy", 1.0),), "tts-1", ((Block(1, 0, "One.", "h"),),))


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Preparation]:
    """What was asked of the preparation, which asks no server here; our own documents are built already."""
    asked: list[Preparation] = []

    def prepare(preparation: Preparation, _tell: object) -> Chapters:
        asked.append(preparation)
        return CHAPTERS

    monkeypatch.setattr(made_ready, "prepare", prepare)
    monkeypatch.chdir(tmp_path)
    for path in (made_ready.OWN_DOCUMENT, made_ready.OWN_DIALOGUE):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return asked


def make_ready(*words: str) -> tuple[Chapters, list[str]]:
    """What a run with these options reads, and what was told."""
    parser = LocustArgumentParser()
    add_options(parser)
    told: list[str] = []
    options = parse_options(parser.parse_args(list(words)))
    return made_ready.make_ready(options, "http://reader", told.append), told


@pytest.mark.parametrize(
    ("words", "document", "dialogue"),
    [
        ((), made_ready.OWN_DOCUMENT, None),
        (("--document", "a.epub"), Path("a.epub"), None),
        (("--mix", "dialogue"), None, made_ready.OWN_DIALOGUE),
        (("--mix", "dialogue", "--document", "a.epub"), Path("a.epub"), None),
        (("--mix", "steady=1,dialogue=1"), made_ready.OWN_DOCUMENT, made_ready.OWN_DIALOGUE),
        (("--mix", "steady=1,dialogue=0"), made_ready.OWN_DOCUMENT, None),
        (("--mix", "steady,dialogue", "--document", "a.epub"), Path("a.epub"), made_ready.OWN_DIALOGUE),
    ],
)
def test_what_is_read_follows_from_document_and_mix(
    prepared: list[Preparation], words: tuple[str, ...], document: Path | None, dialogue: Path | None
) -> None:
    """The project's own unless one is named; short lines for readers of dialogue, beside the others' or alone."""
    make_ready(*words)
    assert (prepared[0].document, prepared[0].dialogue_document) == (document, dialogue)


def test_the_options_reach_the_preparation(prepared: list[Preparation]) -> None:
    """Host, voice, sizes and flags, as they were given."""
    words = (
        "--voice nova --speed 1.5 --model m --chapters 2 --blocks 3 --pregenerate --insecure --mode hybrid"
    )
    _, told = make_ready(*words.split(), "--document-id", "mine")
    wanted: dict[str, Any] = {
        "host": "http://reader",
        "document_id": "mine",
        "voice": Voice("nova", 1.5),
        "model": "m",
        "chapters": 2,
        "blocks": 3,
        "pregenerate": True,
        "insecure": True,
        "mode": "hybrid",
    }
    assert {name: getattr(prepared[0], name) for name in wanted} == wanted
    assert told == [".cache/document.pdf: 1 blocks, chapters: 1, pages: 3"]


def test_chapters_that_were_made_ready_before_are_only_read(
    prepared: list[Preparation], tmp_path: Path
) -> None:
    """No server is asked; a file that is not there is told."""
    CHAPTERS.save(tmp_path / "chapters.json")
    assert make_ready("--chapters-file", "chapters.json")[0] == CHAPTERS
    assert prepared == []
    with pytest.raises(ChaptersError, match=r"absent\.json: No such file"):
        make_ready("--chapters-file", "absent.json")
