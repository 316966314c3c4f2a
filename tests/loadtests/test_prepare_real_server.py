"""The preparation against the reference server and our own upstream, as processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests

from loadtests import corpus_dialogue
from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters
from loadtests.prepare import Preparation, prepare

pytestmark = pytest.mark.slow

START_WITHIN_S = 60.0


@dataclass(frozen=True)
class Running:
    """Where the server and the upstream are; the server asks for a password."""

    url: str
    upstream: str
    server: subprocess.Popen[bytes]

    @property
    def open_url(self) -> str:
        """The address with the password, whose user and colon are as hard to write as can be."""
        return self.url.replace("//", "//m%C3%A9:a%3Ab@")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def await_health(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when a server answers."""
    until = time.monotonic() + START_WITHIN_S
    with requests.Session() as session:
        session.trust_env = False
        while True:
            try:
                session.get(url, timeout=5)
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                return


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The reference server without an aligner, and an upstream that is quick."""
    port, upstream_port = free_port(), free_port()
    upstream = f"http://127.0.0.1:{upstream_port}"
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ALIGNER": "none",
        "API_BASE": f"{upstream}/v1",
        "DOCSTORE_DIR": str(tmp_path_factory.mktemp("docstore")),
        "BASIC_AUTH_USER": "mé",
        "BASIC_AUTH_PASSWORD": "a:b",
    }
    words = ["-m", "loadtests.upstream", "--port", str(upstream_port), "--pace", "100"]
    processes = [
        subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL),
        subprocess.Popen(
            [sys.executable, "-m", "reference_server"],
            env={**os.environ, **settings},
            stderr=subprocess.DEVNULL,
        ),
    ]
    try:
        await_health(f"{upstream}/health", processes[0])
        await_health(f"http://127.0.0.1:{port}/api/health", processes[1])
        yield Running(f"http://127.0.0.1:{port}", upstream, processes[1])
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=10)


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our document of short lines."""
    path = tmp_path_factory.mktemp("dialogue") / "dialogue.pdf"
    corpus_dialogue.build_pdf(path)
    return path


def test_the_password_goes_with_the_address(running: Running, dialogue: Path) -> None:
    """GIVEN a locked server THEN the line says how the password is given, and given so it works."""
    with pytest.raises(
        PrepareError, match=r"asks for a password \(401\)\. Use --host http://user:password@127"
    ):
        prepare(Preparation(running.url, dialogue), print)
    with pytest.raises(PrepareError, match=r"the user or password of --host is wrong \(401\)"):
        prepare(Preparation(running.url.replace("//", "//me:wrong@"), dialogue), print)
    assert prepare(Preparation(running.open_url, dialogue, chapters=1, blocks=1), print).document_id


def test_chunks_are_counted_made_and_counted_again(running: Running, dialogue: Path) -> None:
    """GIVEN cached mode THEN what is missing is told; WHEN pre-generated THEN all of both documents are there."""
    told = list[str]()

    def ready(*, pregenerate: bool = False) -> Chapters:
        told.clear()
        both = Preparation(
            running.open_url,
            dialogue,
            document_id="made",
            dialogue_document=dialogue,
            mode="cached",
            chapters=1,
            blocks=3,
            upstream=running.upstream,
            changes=True,
            pregenerate=pregenerate,
        )
        return prepare(both, told.append)

    chapters = ready()
    assert chapters.dialogue is not None
    assert [len(chapters.chapters[0]), len(chapters.dialogue.chapters[0])] == [3, 24]
    assert told[-2].startswith("cached: 0 of 3 blocks of made have a chunk; the others are read live.")
    assert told[-1].startswith("cached: 0 of 24 blocks of made-dialogue have a chunk;")
    assert "synthesised 81/81" in told
    assert ready(pregenerate=True) == chapters
    assert ready() == chapters
    assert told[-2:] == [
        "cached: all 3 blocks of made have a chunk.",
        "cached: all 24 blocks of made-dialogue have a chunk.",
    ]


def _epub() -> bytes:
    names = 'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
    rootfile = '<rootfile full-path="a.opf"/>'
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f"<container {names}><rootfiles>{rootfile}</rootfiles></container>",
        "a.opf": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="i" href="a.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="i"/></spine></package>',
        "a.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>A <b>short</b> text.</p></body></html>',
    }
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.epub", _epub(), "epub"),
        ("a.txt", b"A *short* text.", "text"),
        ("a.md", b"A *short* text.", "markdown"),
    ],
)
def test_each_type_is_read_as_what_it_is(
    running: Running, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    """GIVEN each type the server takes beside PDF THEN it is known as such, and its text is what is read."""
    path = tmp_path / name
    path.write_bytes(content)
    (chapter,) = prepare(Preparation(running.open_url, path, document_id=kind), print).chapters
    assert [block.text for block in chapter] == ["A short text."]
    with Host(running.open_url) as host:
        assert host.ask_object("GET", f"/api/documents/{kind}")["kind"] == kind


def test_what_the_server_cannot_read_is_told_with_its_reason(running: Running, tmp_path: Path) -> None:
    """GIVEN a file without text, and one that is no document THEN the line has the file and the server's reason."""
    for name, content, reason in (
        ("blank.txt", b" \n\n", r"none has text\. Send a file with text.*\(422 from http://127"),
        ("a.bin", b"\x00\x01", r"none of what can be read aloud.*\(422 from http://127"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WrongUseError, match=f"{name}: .*{reason}"):
            prepare(Preparation(running.open_url, tmp_path / name), print)


def test_a_server_killed_while_it_makes_chunks_is_one_line(running: Running, dialogue: Path) -> None:
    """GIVEN a pre-generation that runs WHEN the server is killed THEN the line says so.

    The last test: the server is dead after it.
    """

    def kill(line: str) -> None:
        if line.startswith("pre-generated"):
            running.server.kill()

    with pytest.raises(PrepareError, match=r"progress broke off at \d+ of \d+\. Did the server end\?"):
        prepare(
            Preparation(
                running.open_url, dialogue, document_id="killed", chapters=8, blocks=40, pregenerate=True
            ),
            kill,
        )
    with pytest.raises(PrepareError, match="nothing listens there"):
        prepare(Preparation(running.open_url, dialogue), print)
