"""The page's files: a fixed list of names, of four types, read when they are asked for."""

import hashlib
from pathlib import Path

import pytest

from reference_server.page_files import PageFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page of four files, beside what is none of it."""
    folder = tmp_path / "page"
    folder.mkdir()
    for name in ("index.html", "style.css", "main.js", "icons.svg", "notes.md", "main.js.map", ".js", "x.py"):
        (folder / name).write_text(f"I am {name}: é")
    (folder / "inner.js").mkdir()
    (tmp_path / "secret.js").write_text("not of the page")
    return folder


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("main.js", "text/javascript; charset=utf-8"),
        ("icons.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_a_file_comes_with_its_type_and_the_tag_of_its_bytes(
    folder: Path, name: str, content_type: str
) -> None:
    """GIVEN a file of the page WHEN it is asked for THEN its bytes are told as what they are."""
    file = PageFiles(folder).get(name)
    assert file is not None
    assert (file.content, file.content_type) == (f"I am {name}: é".encode(), content_type)
    assert file.etag == f'"{hashlib.sha256(file.content).hexdigest()}"'


@pytest.mark.parametrize(
    "name",
    [
        "notes.md",
        "main.js.map",
        ".js",
        "x.py",
        "inner.js",
        "MAIN.JS",
        "",
        ".",
        "..",
        "../secret.js",
        "./main.js",
        "inner.js/../main.js",
        "main.js\0",
        "a" * 5000,
    ],
)
def test_nothing_else_is_a_file_of_the_page(folder: Path, name: str) -> None:
    """GIVEN another type, a folder, a hidden file or a path WHEN it is asked for THEN there is none."""
    assert PageFiles(folder).get(name) is None


def test_a_path_in_full_leads_nowhere(folder: Path) -> None:
    """GIVEN the whole path of a file, the page's own or not WHEN it is asked for THEN there is none."""
    files = PageFiles(folder)
    assert files.get(str(folder / "main.js")) is None
    assert files.get(str(folder.parent / "secret.js")) is None


def test_a_change_shows_and_a_name_that_comes_later_does_not(folder: Path) -> None:
    """GIVEN a running server WHEN a file is edited, added or removed THEN only the list of names stays as it was."""
    files = PageFiles(folder)
    before = files.get("main.js")
    (folder / "main.js").write_text("edited")
    (folder / "late.js").write_text("late")
    (folder / "style.css").unlink()
    after = files.get("main.js")
    assert before is not None
    assert after is not None
    assert (after.content, after.etag != before.etag) == (b"edited", True)
    assert files.get("late.js") is None
    assert files.get("style.css") is None


def test_a_folder_that_is_missing_is_an_empty_page(tmp_path: Path) -> None:
    """A server without its page is a server all the same."""
    assert PageFiles(tmp_path / "nowhere").get("index.html") is None
