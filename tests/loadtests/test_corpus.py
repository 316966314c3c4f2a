import hashlib
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

from loadtests.corpus import Corpus, CorpusError, build_pdf, main, own_document, prose
from reference_server.blocks import split_blocks


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus, list[str]]:
    """Build the document once: its file, what was said of it, and the text of its pages."""
    path = tmp_path_factory.mktemp("corpus") / "document.pdf"
    corpus = build_pdf(path)
    with pypdfium2.PdfDocument(path) as pdf:
        pages = [page.get_textpage().get_text_range() for page in pdf]
    return path, corpus, pages


def test_it_is_more_than_100_full_pages(document: tuple[Path, Corpus, list[str]]) -> None:
    """There are more than 100 pages of about 2000-2500 characters, and the figures given are the file's."""
    path, corpus, pages = document

    assert corpus.pages == len(pages) > 100
    assert corpus.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert 2000 <= sum(map(len, pages)) / len(pages) <= 2500


def test_every_word_survives_the_pdf(document: tuple[Path, Corpus, list[str]]) -> None:
    """The words read back from the pages are the words that were set: none broken, quotes kept."""
    _, corpus, pages = document
    pieces = list(prose())

    assert " ".join(pages).split() == " ".join(piece.text for piece in pieces).split()
    assert corpus.characters == sum(len(piece.text) for piece in pieces)


def test_it_is_prose() -> None:
    """Paragraphs are on one line and hold no grammar, prompt, table or underline."""
    pieces = list(prose())

    assert pieces[0].is_heading
    assert sum(piece.is_heading for piece in pieces) > 75
    for piece in pieces:
        assert piece.text == " ".join(piece.text.split())
        assert not any(mark in piece.text for mark in ("::=", ">>>", "***", "====", "+---", "(Pdb) "))


def test_a_paragraph_wrapped_at_a_hyphen_is_joined() -> None:
    """A compound word cut at its hyphen by the source's line ends is whole again."""
    assert any("post-mortem" in piece.text for piece in prose())
    assert not any("post- mortem" in piece.text for piece in prose())


def test_most_blocks_are_full(document: tuple[Path, Corpus, list[str]]) -> None:
    """Split as a reader splits it, the document is mostly blocks of 350-450 characters."""
    lengths = [len(block) for page in document[2] for block in split_blocks(page)]

    assert sum(350 <= length <= 450 for length in lengths) > 0.6 * len(lengths)
    assert sum(length > 450 for length in lengths) < 0.03 * len(lengths)


def test_the_same_python_gives_the_same_bytes(
    document: tuple[Path, Corpus, list[str]], tmp_path: Path
) -> None:
    """A second process writes the same file, says so in one line, and leaves nothing beside it."""
    again = tmp_path / "again.pdf"

    done = subprocess.run(
        [sys.executable, "-m", "loadtests.corpus", str(again)], capture_output=True, text=True, check=True
    )

    assert again.read_bytes() == document[0].read_bytes()
    assert done.stdout.count("\n") == 1
    assert document[1].sha256 in done.stdout
    assert list(tmp_path.iterdir()) == [again]


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing folder is one line that names the file, and exit code 2."""
    out = tmp_path / "missing" / "document.pdf"

    assert main([str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert str(out) in printed.err


def test_a_failure_leaves_no_half_file(tmp_path: Path) -> None:
    """When the last step fails, what was written aside is gone."""
    out = tmp_path / "taken"
    out.mkdir()

    with pytest.raises(CorpusError, match="taken"):
        build_pdf(out)

    assert list(tmp_path.iterdir()) == [out]


def test_the_own_document_is_built_once(tmp_path: Path) -> None:
    """It is built with its folder where it is absent, and left as it is where it is there."""
    path, built = tmp_path / "new" / "document.pdf", []

    def build(out: Path) -> Corpus:
        built.append(out)
        out.write_bytes(b"%PDF")
        return Corpus(1, 1, "")

    assert own_document(path, build) == own_document(path, build) == path
    assert built == [path]
    with pytest.raises(CorpusError, match=r"document\.pdf: its folder cannot be made: Not a directory"):
        own_document(path / "below" / "document.pdf", build)
