"""The child tells kinds apart, cuts them, and answers in one line whatever the file is."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.corpus import build_pdf
from reference_server import extract as module
from reference_server.blocks import split_blocks
from reference_server.document import CUT_VERSION, Cut
from reference_server.errors import ApiError
from reference_server.extract import extract
from reference_server.outline import Outline
from reference_server.pdf_text import pdf_pages

MIB = 1024 * 1024


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., tuple[Cut, list[str]]]:
    """Extract in this process; return what it is and its blocks."""

    def cut(data: bytes, *, is_markdown: bool = False) -> tuple[Cut, list[str]]:
        source, pages = tmp_path / "source", tmp_path / "pages"
        source.write_bytes(data)
        pages.unlink(missing_ok=True)
        found = extract(source, pages, is_markdown=is_markdown)
        outline = Outline.open(pages, "doc")
        assert (outline.page_count, outline.block_count) == (found.pages, found.blocks)
        assert outline.characters == found.characters
        return found, [block.text for block in outline.blocks]

    return cut


CutOf = Callable[..., tuple[Cut, list[str]]]


def test_each_kind_is_told_by_its_content(
    cut: CutOf, pdf: Callable[..., bytes], epub: Callable[..., bytes]
) -> None:
    """A PDF, an EPUB and a text are what they are; only a text can be Markdown."""
    kinds = [
        (pdf(["A page."]), "pdf", ["A page."]),
        (b"junk\n" * 200 + pdf(["A page."]), "pdf", ["A page."]),
        (epub("<p>One.</p><p>Two.</p>"), "epub", ["One.", "Two."]),
        (b"# One.\nTwo.", "text", ["# One. Two."]),
        (b"PK is a text.", "text", ["PK is a text."]),
    ]
    for data, kind, blocks in kinds:
        for is_markdown in (False, True):
            if kind == "text" and is_markdown:
                continue
            found, texts = cut(data, is_markdown=is_markdown)
            assert (found.kind, texts) == (kind, blocks)
    assert cut(b"# One.\nTwo.", is_markdown=True) == (Cut("markdown", 1, 2, 8), ["One.", "Two."])


def test_the_cut_is_the_one_of_its_version(
    cut: CutOf, pdf: Callable[..., bytes], epub: Callable[..., bytes]
) -> None:
    """GIVEN one file of each kind WHEN this fails THEN the rules changed: raise CUT_VERSION and this hash."""
    text = (
        "Mr. Smith said: 'It is 3.14.' He left.Then he came back, see https://example.org/x!\n"
        "It was a hyphen-\nated word.\n\n" + "A long sentence; with, many words: " * 30 + "\n\n" + "x" * 1000
    )
    bodies = (
        (pdf(text.splitlines()), False),
        (epub(f"<h1>One</h1><p>{text}</p>"), False),
        (text.encode(), False),
        (f"# One\n\n{text}\n\n- a\n- b".encode(), True),
    )
    found = [cut(body, is_markdown=is_markdown)[1] for body, is_markdown in bodies]
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    assert (CUT_VERSION, digest[:16]) == (1, "a6a56cbabd938137")


@pytest.mark.slow
def test_the_published_document_keeps_its_blocks(cut: CutOf, tmp_path: Path) -> None:
    """GIVEN the document of the published reports WHEN cut THEN its blocks are its pages' texts, split."""
    path = tmp_path / "corpus.pdf"
    build_pdf(path)
    found, blocks = cut(path.read_bytes())
    assert blocks == [block for page in pdf_pages(path, 1000) for block in split_blocks(page)]
    assert found.pages == len(list(pdf_pages(path, 1000)))


@pytest.mark.parametrize("data", [b"", b" \n\n ", b"***", "\u00ad".encode()])
def test_nothing_to_read_aloud_is_told(cut: CutOf, data: bytes) -> None:
    """An empty file has no text, nor has one of white space and marks."""
    with pytest.raises(ApiError, match="none has text") as caught:
        cut(data)
    assert (caught.value.status, caught.value.code) == (422, "NO_TEXT")


def test_a_scan_is_told(cut: CutOf, pdf: Callable[..., bytes], epub: Callable[..., bytes]) -> None:
    """Pages without a text layer, and items of pictures, are told apart from what is no document."""
    for data in (pdf([], []), epub("<img src='a'/>", "")):
        with pytest.raises(ApiError, match="2 pages were read, and none") as caught:
            cut(data)
        assert caught.value.code == "NO_TEXT"


@pytest.mark.parametrize(
    ("data", "is_markdown"),
    [(b"\x89PNG\r\n\x1a\n\x00\x00", True), (b"PK\x03\x04" + bytes(100), False), (bytes(100), False)],
)
def test_other_files_are_refused(cut: CutOf, data: bytes, is_markdown: bool) -> None:  # noqa: FBT001
    """Whatever they are called, the refusal says what is taken."""
    with pytest.raises(ApiError, match="PDF, an EPUB, plain text or Markdown") as caught:
        cut(data, is_markdown=is_markdown)
    assert caught.value.code == "NOT_A_DOCUMENT"


def test_a_zip_of_another_kind_is_refused(cut: CutOf, epub: Callable[..., bytes]) -> None:
    """A DOCX is a ZIP too."""
    with pytest.raises(ApiError, match="none of what"):
        cut(epub(changed={"mimetype": None, "META-INF/container.xml": None, "word/document.xml": "<w/>"}))


@pytest.mark.parametrize("is_markdown", [False, True])
@pytest.mark.parametrize(
    ("limit", "exact"), [("MAX_CHARACTERS", 10), ("MAX_BLOCKS", 3), ("MAX_PAGES", 1), ("_MAX_TEXT_BYTES", 10)]
)
def test_the_limits_are_exact(
    cut: CutOf,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    exact: int,
    is_markdown: bool,  # noqa: FBT001
) -> None:
    """GIVEN a limit WHEN a text just meets it THEN it passes; one less is too long."""
    text = b"aa\n\nbb\n\ncc"
    monkeypatch.setattr(module, limit, exact)
    assert cut(text, is_markdown=is_markdown)[0].blocks == 3
    monkeypatch.setattr(module, limit, exact - 1)
    with pytest.raises(ApiError, match="Send it in parts") as caught:
        cut(text, is_markdown=is_markdown)
    assert (caught.value.status, caught.value.code) == (422, "TEXT_TOO_LONG")


def test_every_page_counts_for_the_characters(
    cut: CutOf, epub: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN pages that fit one by one WHEN they do not together THEN it is too long."""
    monkeypatch.setattr(module, "MAX_CHARACTERS", 3)
    assert cut(epub("a", "b", "c"))[0].pages == 3
    with pytest.raises(ApiError, match="more than 3 characters"):
        cut(epub("a", "b", "c", "d"))


def _run(
    source: Path, pages: Path, memory_bytes: int = 512 * MIB, cpu_s: int = 60
) -> subprocess.CompletedProcess[str]:
    limits = [str(memory_bytes), str(cpu_s)]
    command = [sys.executable, "-m", "reference_server.extract", str(source), str(pages), "text", *limits]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_the_process_answers_with_what_it_found(tmp_path: Path, three_pages: bytes) -> None:
    """Standard output is one line of JSON, the file the pages."""
    source, pages = tmp_path / "source", tmp_path / "pages"
    source.write_bytes(three_pages)
    result = _run(source, pages)
    assert (result.returncode, result.stderr) == (0, "")
    found = Cut(**json.loads(result.stdout))
    assert (found.kind, found.pages, found.blocks) == ("pdf", 3, 5)
    assert Outline.open(pages, "doc").page(2)[0].text == "Short page."


def test_the_process_answers_with_the_refusal(tmp_path: Path) -> None:
    """A refusal is exit code 1 and what makes an ApiError."""
    (tmp_path / "source").write_bytes(b"%PDF-1.7 damaged")
    result = _run(tmp_path / "source", tmp_path / "pages")
    assert (result.returncode, result.stderr) == (1, "")
    assert ApiError(**json.loads(result.stdout)).code == "NOT_A_DOCUMENT"


def test_memory_that_is_not_enough_is_told(tmp_path: Path) -> None:
    """GIVEN 64 MiB WHEN a text needs more THEN the process survives to say so."""
    (tmp_path / "source").write_bytes("ä b. ".encode() * 8_000_000)
    result = _run(tmp_path / "source", tmp_path / "pages", 64 * MIB)
    assert result.returncode == 1
    assert "more than 67108864 bytes of memory" in json.loads(result.stdout)["message"]


def test_a_full_disk_is_told_as_one(tmp_path: Path, three_pages: bytes) -> None:
    """GIVEN a disk without room WHEN the pages are written THEN it is the server's fault and not the file's."""
    (tmp_path / "source").write_bytes(three_pages)
    arguments = [str(tmp_path / "source"), "/dev/full", "text", str(512 * MIB), "60"]
    code = (
        "import sys, pathlib; from reference_server import extract\n"
        "opened = pathlib.Path.open\n"
        "pathlib.Path.open = lambda path, mode='r', *a, **k: opened(path, mode.replace('x', 'w'), *a, **k)\n"
        f"sys.exit(extract.main({arguments!r}))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    fields = json.loads(result.stdout)
    assert (fields["status"], fields["code"]) == (507, "DISK_FULL")


@pytest.mark.parametrize("kind", ["text", "epub", "pdf"])
def test_only_what_the_kind_needs_is_loaded(
    tmp_path: Path, pdf: Callable[..., bytes], epub: Callable[..., bytes], kind: str
) -> None:
    """A text needs neither pdfium nor lxml, and nothing needs what the server itself is made of."""
    data = {"text": b"A text.", "epub": epub("<p>x</p>"), "pdf": pdf(["x"])}[kind]
    (tmp_path / "source").write_bytes(data)
    code = (
        "import sys; from pathlib import Path; from reference_server.extract import extract\n"
        f"extract(Path({str(tmp_path / 'source')!r}), Path({str(tmp_path / 'pages')!r}), is_markdown=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(result.stdout.split()) & {
        "pypdfium2",
        "lxml",
        "markdown_it",
        "starlette",
        "asyncio",
        "openai",
    }
    assert loaded == {"text": set(), "epub": {"lxml"}, "pdf": {"pypdfium2"}}[kind]
