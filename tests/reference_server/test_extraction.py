"""Whatever a file does to its reader, the server answers in one line and goes on."""

import asyncio
import io
import os
import signal
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from reference_server.errors import ApiError
from reference_server.extraction import Extraction, _cut_of, _End
from reference_server.settings import Settings

MIB = 1024 * 1024


def _run(folder: Path, data: bytes, **settings: int) -> ApiError:
    (folder / "source").write_bytes(data)
    extraction = Extraction(Settings(**settings))  # type: ignore[arg-type]

    async def run() -> None:
        await extraction.run(folder / "source", folder / "pages.bin", is_markdown=False)

    with pytest.raises(ApiError) as caught:
        asyncio.run(run())
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 600
    return caught.value


def _pdf_of(content: bytes) -> bytes:
    """Return a PDF of one page that draws this, packed."""
    packed = zlib.compress(content, 9)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1%b>>>>>>"
        % font,
        b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(packed), packed),
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer


SENTENCE = b"BT /F1 12 Tf 50 700 Td (Hello there.) Tj ET\n"


def test_a_good_file_is_cut(tmp_path: Path) -> None:
    """GIVEN a PDF made by hand WHEN it is extracted THEN its text is counted, and no complaint is made."""
    (tmp_path / "source").write_bytes(_pdf_of(SENTENCE))
    extraction = Extraction(Settings())

    async def run() -> object:
        cut = await extraction.run(tmp_path / "source", tmp_path / "pages.bin", is_markdown=False)
        return cut.kind, cut.pages, cut.blocks, cut.characters

    assert asyncio.run(run()) == ("pdf", 1, 1, 12)
    assert (tmp_path / "complaint").read_bytes() == b""


def test_a_zip_bomb_is_refused(tmp_path: Path, epub: Callable[..., bytes]) -> None:
    """GIVEN 100 MB of zeros in 100 kB WHEN it is extracted THEN it is refused with a third of it unpacked."""
    bomb = epub("<p>x</p>", changed={"OEBPS/text/0.xhtml": bytes(100 * MIB)})
    assert len(bomb) < 150_000
    refusal = _run(tmp_path, bomb)
    assert (refusal.status, refusal.code) == (422, "NOT_A_DOCUMENT")
    assert "unpacks to more than is taken" in refusal.message


@pytest.mark.slow
def test_a_zip_bomb_in_parts_is_refused(tmp_path: Path, epub: Callable[..., bytes]) -> None:
    """GIVEN many items that unpack to white space WHEN they are extracted THEN their sum has an end."""
    refusal = _run(tmp_path, epub(*["<p>x</p>" + " " * 15 * MIB] * 20))
    assert refusal.code == "NOT_A_DOCUMENT"
    assert "unpacks to more than is taken" in refusal.message


def test_a_zip_of_many_names_is_refused_or_ends(tmp_path: Path) -> None:
    """GIVEN 20,000 entries and not one of a book WHEN it is extracted THEN it is refused."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for at in range(20_000):
            archive.writestr(str(at), b"")
    assert _run(tmp_path, out.getvalue()).code == "NOT_A_DOCUMENT"


def test_an_entity_bomb_is_not_expanded(tmp_path: Path, epub: Callable[..., bytes]) -> None:
    """GIVEN a billion laughs and nothing else WHEN extracted THEN nobody laughs: there is no text."""
    bombs = "".join(f'<!ENTITY a{at + 1} "{f"&a{at};" * 10}">' for at in range(12))
    bomb = f'<!DOCTYPE html [<!ENTITY a0 "lol">{bombs}]><html><body><p>&a12;</p></body></html>'
    (tmp_path / "source").write_bytes(epub("", changed={"OEBPS/text/0.xhtml": bomb}))
    extraction = Extraction(Settings())

    async def run() -> int:
        cut = await extraction.run(tmp_path / "source", tmp_path / "pages.bin", is_markdown=False)
        return cut.characters

    try:
        assert asyncio.run(run()) < 10  # libxml2 gives the file up, and its entity is shown by its name
    except ApiError as refusal:
        assert refusal.code == "NO_TEXT"  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Count 1/Kids["
        + b"[" * 1_000_000,
        b"%PDF-1.7\n" + bytes(range(256)) * 1000,
        _pdf_of(SENTENCE)[:300],
        _pdf_of(SENTENCE).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"),
    ],
    ids=["deep", "garbage", "half", "circle"],
)
def test_a_damaged_pdf_is_refused(tmp_path: Path, data: bytes) -> None:
    """GIVEN damage of many kinds WHEN it is extracted THEN it is 422, whatever pdfium made of it."""
    refusal = _run(tmp_path, data)
    assert refusal.status == 422
    assert refusal.code in {"NOT_A_DOCUMENT", "TEXT_TOO_LONG"}


def test_a_file_that_needs_too_much_memory_kills_its_reader_alone(tmp_path: Path) -> None:
    """GIVEN a page of 100 MB of drawing WHEN 64 MiB are allowed THEN the limit ends the reader, and it is told."""
    refusal = _run(tmp_path, _pdf_of(SENTENCE * 2_000_000), extract_memory_bytes=64 * MIB)
    assert (refusal.status, refusal.code) == (422, "NOT_A_DOCUMENT")
    assert "needs more than 67108864 bytes of memory" in refusal.message


COMPUTING = "resource.setrlimit(resource.RLIMIT_CPU, (1, resource.RLIM_INFINITY))\nwhile True: pass"
"""What `confine` does to a reader that computes for ever, with a second of CPU: SIGXCPU ends it."""


@pytest.mark.parametrize(("work", "timeout_s"), [(COMPUTING, 60), ("signal.pause()", 1)])
def test_a_file_that_takes_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, timeout_s: int
) -> None:
    """GIVEN a reader that takes too long, of the CPU or of the time WHEN that is over THEN it is ended and told."""
    program = tmp_path / "reader"
    program.write_text(f"#!{sys.executable}\nimport signal, resource\n{work}\n")
    program.chmod(0o755)
    monkeypatch.setattr("reference_server.extraction.sys.executable", str(program))
    refusal = _run(tmp_path, b"x", extract_timeout_s=timeout_s)
    assert (refusal.status, refusal.code) == (422, "NOT_A_DOCUMENT")
    assert f"took longer than {timeout_s} s" in refusal.message


def test_a_reader_that_complains_without_end_costs_the_server_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN 50 MB on standard error WHEN the reader ends THEN its last line is logged and not shown."""
    program = tmp_path / "reader"
    program.write_text("#!/bin/sh\nhead -c 50000000 /dev/zero >&2\necho >&2\necho the end >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr("reference_server.extraction.sys.executable", str(program))
    refusal = _run(tmp_path, b"x")
    assert (refusal.status, refusal.code) == (422, "NOT_A_DOCUMENT")
    assert "exit code 3" in refusal.message
    assert "the end" not in refusal.message
    assert "the end" in caplog.text


@pytest.mark.parametrize(
    ("return_code", "answer", "status", "code"),
    [
        (1, b'{"status": 422, "code": "NO_TEXT", "message": "None."}', 422, "NO_TEXT"),
        (1, b"", 422, "NOT_A_DOCUMENT"),
        (0, b"", 422, "NOT_A_DOCUMENT"),
        (0, b"[]", 422, "NOT_A_DOCUMENT"),
        (0, b'{"kind": "pdf"}', 422, "NOT_A_DOCUMENT"),
        (3, b'{"status": 200, "code": "A", "message": "B"}', 422, "NOT_A_DOCUMENT"),
        (-signal.SIGABRT, b"", 422, "NOT_A_DOCUMENT"),
        (-signal.SIGSEGV, b"", 422, "NOT_A_DOCUMENT"),
        (-signal.SIGKILL, b"", 503, "READER_KILLED"),
        (-signal.SIGTERM, b"", 503, "READER_KILLED"),
    ],
)
def test_the_reader_s_end_is_told_as_what_it_was(
    return_code: int, answer: bytes, status: int, code: str
) -> None:
    """A reader killed from outside says nothing about the file; one that died of it does."""
    with pytest.raises(ApiError) as caught:
        _cut_of(_End(return_code, answer, b"a warning\na last word\n"), 1000)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert "last word" not in caught.value.message


def test_a_server_short_of_processes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a system that starts no process WHEN a file is extracted THEN it is 503, and the file is not blamed."""
    monkeypatch.setattr("reference_server.extraction.sys.executable", str(tmp_path / "nothing"))
    refusal = _run(tmp_path, b"x")
    assert (refusal.status, refusal.code) == (503, "READER_KILLED")
    assert "could not be started" in refusal.message


def test_one_file_is_extracted_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN three files at once WHEN they are extracted THEN never two readers run, and all get an answer."""
    log = tmp_path / "log"
    program = tmp_path / "reader"
    program.write_text(
        f'#!/bin/sh\necho begin >> {log}\n{sys.executable} -c "" \necho end >> {log}\n'
        'echo \'{"kind": "text", "pages": 1, "blocks": 1, "characters": 1}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr("reference_server.extraction.sys.executable", str(program))
    extraction = Extraction(Settings())

    async def run() -> list[int]:
        folders = [tmp_path / str(at) for at in range(3)]
        for folder in folders:
            folder.mkdir()
        cuts = [extraction.run(folder / "source", folder / "pages", is_markdown=False) for folder in folders]
        return [cut.pages for cut in await asyncio.gather(*cuts)]

    assert asyncio.run(run()) == [1, 1, 1]
    assert log.read_text().split() == ["begin", "end"] * 3


def test_a_reader_ends_with_the_one_who_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a reader at work WHEN the request is cancelled THEN the process is gone when that returns."""
    os.mkfifo(tmp_path / "pid")
    program = tmp_path / "reader"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec tail -f /dev/null\n")
    program.chmod(0o755)
    monkeypatch.setattr("reference_server.extraction.sys.executable", str(program))
    extraction = Extraction(Settings())

    async def run() -> int:
        reading = asyncio.create_task(
            extraction.run(tmp_path / "source", tmp_path / "pages", is_markdown=False)
        )
        pid = int(await asyncio.to_thread((tmp_path / "pid").read_text))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return pid

    pid = asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
