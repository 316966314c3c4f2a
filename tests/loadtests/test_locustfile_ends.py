"""How runs end, by themselves and otherwise: what is told, what is kept, what the exit code says."""

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Stub = Callable[..., Any]
Locusts = Any
WaitFor = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.slow

STARVED = """
import time
import gevent
from locust import events
from loadtests.locustfile import ReaderUser

def starve(**_):
    while True:
        gevent.sleep(0.01)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            pass

events.test_start.add_listener(lambda **_: gevent.spawn(starve))
"""


def test_a_plain_locust_makes_everything_ready_itself(stub: Stub, locusts: Locusts) -> None:
    """The document is uploaded and read, each reader comes once, and what they heard stands in the statistics."""
    document = locusts.folder / "book.pdf"
    document.write_bytes(b"%PDF-1.7 the stand-in looks no further")
    server = stub()
    ended = locusts.run(
        server.url,
        *("--chapters-file", "", "--document", str(document), "--chapters", "1", "--mode", "cached"),
        *("--users", "3", "--spawn-rate", "1", "--session-s", "5"),
    )
    assert ended.status == 0
    assert set(ended.numbers()) == {"0", "1", "2"}  # though the first have finished before the last begins
    assert "book.pdf: 20 blocks, chapters: 1, pages: 12" in ended.log
    assert server.asked("/api/tts/chunk")[0]["documentId"].startswith("reading-")
    told = set(re.findall(r"^LISTENER  (.*?)  ", ended.log, re.MULTILINE))
    assert {"first audio", "block from chunk"} <= told
    assert "Readers              3, 3 of them heard something" in ended.log
    assert {row["process"] for row in ended.samples} == {"0"}
    assert ended.samples[0]["readers"] == "0"
    assert max(int(row["readers"]) for row in ended.samples) >= 1


@pytest.mark.parametrize(
    ("settings", "status", "source", "reason"),
    [
        ({"cut": "1"}, "0", "needed", "Incomplete response"),
        ({"speech": "html"}, "200", "needed:unplayable", "the answer is no MP3"),
    ],
    ids=["cut in the middle", "a web page"],
)
def test_speech_that_fails_is_retried_and_told(
    stub: Stub, locusts: Locusts, settings: dict[str, str], status: str, source: str, reason: str
) -> None:
    """Three attempts, then again; nothing plays, the silence until the end is a row, and the run is no pass."""
    ended = locusts.run(stub(**settings).url, "--mode", "live")
    speech = [row for row in ended.rows if row["kind"] == "tts"]
    assert {row["status"] for row in speech} == {status}
    assert (
        {":2" in row["source"] for row in speech}
        == {":3" in row["source"] for row in speech}
        == {True, False}
    )
    assert speech[0]["source"] == source
    never = [row for row in ended.rows if row["kind"] == "play"]
    assert [(row["status"], row["source"]) for row in never] == [("0", "first:never")] * 2
    assert all(float(row["late_s"]) == pytest.approx(2.0, abs=0.01) for row in never)
    assert ended.status == 1
    last = ended.log.splitlines()[-1]
    assert last.startswith("unhealthy: nothing was heard, ")
    assert reason in last


def test_reading_goes_on_after_the_server_restarts(stub: Stub, locusts: Locusts, wait_for: WaitFor) -> None:
    """Killed in mid-session, back on its port: failed requests, then blocks play again; who judges says what of it."""
    server = stub()
    port = server.url.rpartition(":")[2]
    load = locusts.start(*locusts.short(server.url), "--session-s", "45", "--judged-elsewhere")
    wait_for(lambda: any(row["kind"] == "play" for row in locusts.rows()))
    server.process.kill()
    server.process.wait()
    # Only blocks of another page are asked for: the wait ends when one has failed.
    wait_for(
        lambda: any(
            (row["status"], row["bytes"]) == ("0", "0") for row in locusts.rows() if row["kind"] == "tts"
        )
    )
    stub(port=port)
    ended = locusts.ended(load)
    failed_t = max(float(row["t"]) for row in ended.rows if row["status"] == "0" and row["kind"] == "tts")
    assert any(
        float(row["t"]) > failed_t and row["source"] == "live" for row in ended.rows if row["kind"] == "play"
    )
    assert ended.status == 0
    assert "requests for audio failed, more than 1%; most often" in ended.log.splitlines()[-1]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate that nobody vouches for."""
    pem = tmp_path / "server.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {pem} -out {pem} -subj /CN=127.0.0.1"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return pem


def test_certificates_are_checked_unless_told_otherwise(
    stub: Stub, locusts: Locusts, certificate: Path
) -> None:
    """Nobody vouches for the server: it is not heard, and the reason told; with --insecure it is."""
    server = stub(tls=str(certificate))
    short = ("--mode", "cached", "--session-s", "5")
    refused = locusts.run(server.url, *short)
    assert refused.status == 1
    last = refused.log.splitlines()[-1]
    assert last.startswith("unhealthy: nothing was heard, ")
    assert "certificate verify failed" in last
    document = locusts.folder / "book.pdf"
    document.write_bytes(b"%PDF-1.7 the stand-in looks no further")
    whole = ("--chapters-file", "", "--document", str(document), *short)
    taken = locusts.run(server.url, *whole, "--insecure")
    assert (taken.status, "2 of them heard something" in taken.log) == (0, True)


def test_a_terminated_load_keeps_its_rows(stub: Stub, locusts: Locusts, wait_for: WaitFor) -> None:
    """SIGTERM in mid-session ends within seconds, exit code 0, with every row whole."""
    load = locusts.start(*locusts.short(stub(whisper="never").url), "--session-s", "600")
    wait_for(lambda: sum(row["kind"] == "play" for row in locusts.rows()) >= 2)
    load.send_signal(signal.SIGTERM)
    ended = locusts.ended(load, within_s=20)
    assert ended.status == 0
    assert any((row["kind"], row["status"]) == ("whisper", "499") for row in ended.rows)
    assert {len(row) for row in ended.rows} == {8}


def test_a_starved_generator_makes_the_run_invalid(stub: Stub, locusts: Locusts) -> None:
    """A greenlet that keeps the loop from its timers: the run measured itself, says so in one line and is no pass."""
    starved: Path = locusts.folder / "starved.py"
    starved.write_text(STARVED)
    ended = locusts.run(
        stub().url, "--mode", "cached", "--session-s", "25", "--judged-elsewhere", locustfile=starved
    )
    assert ended.status == 1
    last = ended.log.splitlines()[-1]
    assert last.startswith("invalid: process 0 was more than 0.5 s behind in ")
    assert last.endswith("use more --processes, or fewer readers")


@pytest.mark.parametrize(
    ("options", "status", "line"),
    [
        (("--pace", "0", "--processes", "2"), 2, "--pace: '0' is no number above 0. Use one such as 5."),
        (("--chapters-file", "absent.json"), 2, "absent.json: No such file or directory."),
        (("--requests-file", "absent/r.csv"), 2, "absent/r.csv: cannot be opened for writing: No such file"),
        (
            ("--host", ""),
            2,
            "--host: is missing. Name the server to read from: --host http://127.0.0.1:8003.",
        ),
        (("--chapters-file", "", "--document", "chapters.json"), 1, "http://127.0.0.1:9: cannot be reached"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_sent(
    locusts: Locusts, options: tuple[str, ...], status: int, line: str
) -> None:
    """A bad option, a file or a host that is not there: told in one line, the last, without a traceback."""
    ended = locusts.run("http://127.0.0.1:9", "--loglevel", "ERROR", *options)
    assert ended.status == status
    told = [
        said
        for said in ended.log.splitlines()
        if said and not said.startswith(("Type", "---", " ", "Response"))
    ]
    assert len(told) == 1
    assert line in told[0]
    assert ended.log.splitlines()[-1] == told[0]
