from pathlib import Path

import pypdfium2
import pytest

from loadtests import corpus, corpus_dialogue
from loadtests.asking import WrongUseError
from loadtests.chapters import Block
from loadtests.client_blocks import opened, page_blocks
from reference_server.extract import extract
from reference_server.outline import Outline


def made_here(path: Path) -> list[Block]:
    """All blocks of a document."""
    with opened(path) as document:
        return [block for page in range(1, document.pages + 1) for block in page_blocks(document, page)]


def made_by_the_server(path: Path, folder: Path) -> list[Block]:
    """All blocks as the reference server makes them."""
    extract(path, folder / "pages.bin", is_markdown=False)
    blocks = Outline.open(folder / "pages.bin", "d").blocks
    return [Block(block.page, block.index, block.text, block.text_hash) for block in blocks]


@pytest.mark.parametrize("kind", [pytest.param("prose", marks=pytest.mark.slow), "dialogue", "text"])
def test_they_are_the_blocks_of_the_reference_server(tmp_path: Path, kind: str) -> None:
    """Of our documents, and of their prose as plain text: all equal, by page, index, text and hash."""
    path = tmp_path / ("document.txt" if kind == "text" else "document.pdf")
    if kind == "text":
        path.write_text("\r\n \t\r\n".join(piece.text for piece in corpus.prose()), encoding="utf-8-sig")
    else:
        (corpus if kind == "prose" else corpus_dialogue).build_pdf(path)

    here, there = made_here(path), made_by_the_server(path, tmp_path)

    assert len(here) > 500
    assert here == there


def test_markdown_is_read_as_the_text_it_is(tmp_path: Path) -> None:
    """Its paragraphs become blocks; its marks are left to the splitter, which drops the asterisks."""
    path = tmp_path / "notes.md"
    path.write_text("# Heading\n\nA *short* text.\n")
    assert [block.text for block in made_here(path)] == ["# Heading", "A short text."]


def test_a_text_is_cut_into_pages_between_paragraphs(tmp_path: Path) -> None:
    """A page takes the paragraphs that fit into 3000 characters; one that is longer is a page of its own."""
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join(["a" * 1500, "b" * 1500, "c", "d" * 5000, "e"]))
    with opened(path) as document:
        texts = [document.page_text(page) for page in range(1, document.pages + 1)]
    assert [[paragraph[0] for paragraph in text.split("\n\n")] for text in texts] == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e"],
    ]


def test_a_text_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    """What is no UTF-8 is taken as Windows-1252."""
    path = tmp_path / "a.txt"
    path.write_bytes("Un été.".encode("cp1252"))
    assert [block.text for block in made_here(path)] == ["Un été."]


def test_a_page_without_text_has_no_block(tmp_path: Path) -> None:
    """A scan and an empty text give none, which is for the choice of chapters to refuse."""
    pdf = pypdfium2.PdfDocument.new()
    pdf.new_page(200, 200).close()
    pdf.save(tmp_path / "scan.pdf")
    pdf.close()
    (tmp_path / "empty.txt").write_text(" \n\n\t")
    assert made_here(tmp_path / "scan.pdf") == made_here(tmp_path / "empty.txt") == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("book.epub", b"PK", "blocks are made here of PDF, .txt and .md only. Give --document such a file."),
        ("book.txt", b"a\x00b", "is no text: it holds a zero byte."),
        ("book.pdf", b"%PDF-1.7 broken", "cannot be read as a PDF: "),
    ],
)
def test_what_cannot_be_read_here_is_wrong_use(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """One line names the file, the reason and the way out."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WrongUseError) as raised:
        made_here(path)
    assert str(raised.value).startswith(f"{path}: {said}")
    assert "\n" not in str(raised.value)
