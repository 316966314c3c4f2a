import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.chapters import Chapters
from loadtests.prepare import main

Stub = Callable[..., Any]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A file to upload; the stand-in takes any bytes."""
    path = tmp_path / "document.pdf"
    path.write_bytes(b"%PDF-1.7 pretended")
    return path


def arguments(server: Any, document: Path, *more: str) -> list[str]:
    """A command line for the stand-in as both server and upstream."""
    out = document.with_name("chapters.json")
    words = ["--host", server.url, "--upstream", f"{server.url}/v1", "--document", str(document)]
    return [*words, "--document-id", "d", "--chapters", "3", "--blocks", "4", "--out", str(out), *more]


def test_a_document_becomes_a_chapters_file(stub: Stub, document: Path) -> None:
    """Upload, chapters spread over the pages, speech made beforehand, and the file that readers take."""
    server = stub()
    assert main(arguments(server, document)) == 0
    chapters = Chapters.load(document.with_name("chapters.json"))
    assert [[(b.page, b.block_index) for b in chapter] for chapter in chapters.chapters] == [
        [(1, 0), (1, 1), (1, 2), (2, 0)],
        [(5, 0), (5, 1), (5, 2), (6, 0)],
        [(9, 0), (9, 1), (9, 2), (10, 0)],
    ]
    assert chapters.pages == 12
    assert [asked["inputs"] for asked in server.asked("/prepare")] == [4, 4, 4]
    assert server.asked("/api/tts/preprocess") == []


def test_pregeneration_covers_exactly_the_chapters_pages(
    stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job names the chapters' pages and settings, and its progress is told on stderr."""
    server = stub()
    assert main(arguments(server, document, "--pregenerate")) == 0
    (job,) = server.asked("/api/tts/preprocess")
    assert job["pages"] == [1, 2, 5, 6, 9, 10]
    assert (job["documentId"], job["voice"], job["speed"], job["model"]) == ("d", "alloy", 1.0, "tts-1")
    told = capsys.readouterr().err
    assert "synthesised 12/12\n" in told
    assert "pre-generated 4/4\n" in told


def test_failed_chunks_fail_the_preparation(
    stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that ends with failures exits 1, says the counts and which failed, and leaves no chapters file."""
    assert main(arguments(stub(failed="4"), document, "--pregenerate")) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    counts = "ended as 'failed': 0 of 4 done, 4 failed; "
    assert last.endswith(counts + "; ".join(f"page 1, block {at}: No speech." for at in range(3)))
    assert not document.with_name("chapters.json").exists()


def test_a_job_that_stops_early_passes_on_its_reason(
    stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full store fails no single block: its sentence stands in the error line."""
    assert main(arguments(stub(reason="Full."), document, "--pregenerate")) == 1
    assert capsys.readouterr().err.endswith("ended as 'failed': 2 of 4 done, 0 failed; Full.\n")


def test_progress_that_breaks_off_fails_the_preparation(
    stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stream that ends while the job runs is a failure, not a success."""
    assert main(arguments(stub(events="broken"), document, "--pregenerate")) == 1
    assert "ended as 'running'" in capsys.readouterr().err


def test_a_foreign_upstream_is_not_asked(stub: Stub, document: Path) -> None:
    """Without --upstream nobody is told the document's text beforehand."""
    server = stub()
    words = arguments(server, document)
    at = words.index("--upstream")
    assert main(words[:at] + words[at + 2 :]) == 0
    assert server.asked("/prepare") == []


def test_the_upstream_makes_the_voices_that_people_change_to(stub: Stub, document: Path) -> None:
    """With --changes it is asked for three voices, without for one; the chapters name all three either way."""
    one, three = stub(), stub()
    assert main(arguments(one, document)) == 0
    without = Chapters.load(document.with_name("chapters.json"))
    assert main(arguments(three, document, "--changes")) == 0
    assert [asked["inputs"] for asked in one.asked("/prepare")] == [4, 4, 4]
    assert [asked["inputs"] for asked in three.asked("/prepare")] == [4, 4, 4] * 3
    assert Chapters.load(document.with_name("chapters.json")) == without
    assert [(voice.name, voice.speed) for voice in without.voices] == [
        ("alloy", 1.0),
        ("nova", 1.0),
        ("alloy", 1.25),
    ]


def test_a_server_that_is_not_there_is_one_line(document: Path) -> None:
    """An unreachable host exits 1 with one line that names it and asks the right question; no traceback."""
    command = [sys.executable, "-m", "loadtests.prepare", "--host", "http://127.0.0.1:9"]
    command += ["--upstream", "http://127.0.0.1:9", "--document", str(document), "--document-id", "d"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be reached" in done.stderr


def test_wrong_use_is_told_apart(stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An absent document and no chapters at all are wrong use, exit 2."""
    server = stub()
    assert main(arguments(server, document, "--chapters", "0")) == 2
    assert main(arguments(server, document.with_name("absent.pdf"))) == 2
    assert "absent.pdf: No such file or directory" in capsys.readouterr().err


def test_a_refused_upload_passes_on_the_servers_reason(
    stub: Stub, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A document that the server cannot read is wrong use: exit 2, with the file and the reason."""
    document.write_bytes(b"no pdf at all")
    assert main(arguments(stub(), document)) == 2
    assert f"{document}: is no document" in capsys.readouterr().err
