import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters, ChaptersError
from loadtests.preparation import Preparation
from loadtests.what_is_read import choose_what_is_read

Scripted = Callable[..., Any]
PAGES, BLOCKS_A_PAGE = 40, 25


def as_json(status: int, value: object) -> tuple[int, str, bytes]:
    """An answer of a scripted server."""
    return status, "application/json", json.dumps(value).encode()


def reader(asked: Any) -> tuple[int, str, bytes]:
    """A document reader, whose documents all have 40 pages of 25 blocks."""
    if asked.method == "PUT":
        return as_json(201, {"pages": PAGES, "sha256": hashlib.sha256(asked.body).hexdigest()})
    blocks = [{"blockIndex": at, "text": f"{at}", "textHash": "ab"} for at in range(BLOCKS_A_PAGE)]
    return as_json(200, {"blocks": blocks})


def speaker(asked: Any) -> tuple[int, str, bytes]:
    """A server that speaks and keeps no documents."""
    return as_json(404 if asked.method == "PUT" else 400, {"code": "MISSING_PARAMETERS"})


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text of three paragraphs."""
    path = tmp_path / "book.txt"
    path.write_text("One.\n\nTwo.\n\nThree.\n")
    return path


def read(url: str, *documents: Path | None, **more: Any) -> tuple[Chapters, list[str]]:
    """The chapters of one or two documents, and what was told."""
    told = list[str]()
    document, dialogue = (*documents, None)[:2]
    with Host(url) as host:
        wanted = Preparation(url, document, dialogue_document=dialogue, **more)
        return choose_what_is_read(host, wanted, told.append), told


def test_a_document_is_named_by_its_bytes_unless_it_has_an_id(scripted: Scripted, text: Path) -> None:
    """The id begins with ``reading-`` and the SHA-256; voices and model are those asked for."""
    server, sha256 = scripted(reader), hashlib.sha256(text.read_bytes()).hexdigest()
    chapters, _ = read(server.url, text)
    assert (chapters.document_id, chapters.document_sha256) == (f"reading-{sha256[:12]}", sha256)
    assert [voice.name for voice in chapters.voices] == ["alloy", "nova", "alloy"]
    assert len(chapters.chapters) == 8
    assert read(server.url, text, document_id="mine")[0].document_id == "mine"


def test_dialogue_is_a_second_document_of_longer_chapters(
    scripted: Scripted, text: Path, tmp_path: Path
) -> None:
    """Beside prose there are a quarter as many chapters, each of eight times as many blocks, which are short."""
    lines = tmp_path / "lines.txt"
    lines.write_text("Yes.")
    chapters, _ = read(scripted(reader).url, text, lines, document_id="d", chapters=5, blocks=20)
    assert chapters.dialogue is not None
    assert chapters.dialogue.document_id == "d-dialogue"
    assert [len(chapter) for chapter in chapters.chapters] == [20] * 5
    assert [len(chapter) for chapter in chapters.dialogue.chapters] == [160] * 2


def test_dialogue_alone_is_the_document(scripted: Scripted, text: Path) -> None:
    """Where all read dialogue, it has as many chapters as were asked for, and nothing is beside it."""
    chapters, _ = read(scripted(reader).url, None, text, document_id="d", chapters=4, blocks=20)
    assert chapters.document_id == "d"
    assert [len(chapter) for chapter in chapters.chapters] == [160] * 4
    assert chapters.dialogue is None


def test_a_server_that_stored_something_else_is_refused(scripted: Scripted, text: Path) -> None:
    """Another SHA-256 than that of the file: what would be read is not what was named."""
    server = scripted(lambda _: as_json(201, {"pages": 1, "sha256": "ab"}))
    with pytest.raises(PrepareError, match="stored other bytes than were sent, of SHA-256 ab"):
        read(server.url, text)


@pytest.mark.parametrize("mode", [None, "live"])
def test_a_server_without_documents_is_read_with_blocks_made_here(
    scripted: Scripted, text: Path, mode: str | None
) -> None:
    """It is told, and the chapters name no document."""
    server = scripted(speaker)
    chapters, told = read(server.url, text, text, mode=mode, blocks=2)
    assert told == [f"{server.url}: no document routes: blocks are made here"] * 2
    assert [block.text for block in chapters.chapters[0]] == ["One.", "Two."]
    assert (chapters.document_id, chapters.pages) == ("", 1)
    assert chapters.document_sha256 == hashlib.sha256(text.read_bytes()).hexdigest()
    assert chapters.dialogue is not None
    assert chapters.dialogue.document_id == ""


@pytest.mark.parametrize(
    ("wanted", "option"),
    [
        ({"mode": "cached"}, "--mode cached"),
        ({"mode": "hybrid"}, "--mode hybrid"),
        ({"mode": "live", "pregenerate": True}, "--pregenerate"),
    ],
)
def test_without_documents_there_are_no_chunks(
    scripted: Scripted, text: Path, wanted: dict[str, Any], option: str
) -> None:
    """Any mode but live, and pre-generation, is one line that names the option and the way out."""
    server = scripted(speaker)
    with pytest.raises(WrongUseError) as raised:
        read(server.url, text, **wanted)
    assert (
        str(raised.value)
        == f"{option}: {server.url} has no document routes, and so no chunks. Use --mode live."
    )


def test_a_document_without_text_is_told_by_its_name(scripted: Scripted, text: Path) -> None:
    """No block on this side, and none on the server: the line names the file and the way out."""
    text.write_text("\n \n")
    with pytest.raises(ChaptersError) as raised:
        read(scripted(speaker).url, text)
    assert str(raised.value) == (
        f"{text}: none of the document's 0 pages has a block. Choose a document that has text."
    )
    blank = scripted(lambda asked: reader(asked) if asked.method == "PUT" else as_json(200, {"blocks": []}))
    with pytest.raises(ChaptersError, match=r"book\.txt: none of the document's 40 pages has a block"):
        read(blank.url, text)


def test_a_file_that_cannot_be_read_is_wrong_use(text: Path) -> None:
    """Absent, or a folder: no server is asked."""
    for path, reason in (
        (text.with_name("absent.pdf"), "No such file or directory"),
        (text.parent, "Is a directory"),
    ):
        with pytest.raises(WrongUseError) as raised:
            read("http://127.0.0.1:9", path)
        assert str(raised.value) == f"{path}: {reason}. Name another file to read."
