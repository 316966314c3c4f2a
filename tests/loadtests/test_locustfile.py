import csv
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

Stub = Callable[..., Any]
LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"

pytestmark = pytest.mark.slow


def locust(host: str, chapters_file: Path, *more: str) -> list[str]:
    """A command line: two readers, ten seconds of reading played in two."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", host]
    command += ["--users", "2", "--spawn-rate", "2", "--chapters-file", str(chapters_file)]
    command += ["--requests-file", str(chapters_file.with_name("requests.csv"))]
    return [*command, "--pace", "5", "--session-s", "10", *more]


def read(host: str, chapters_file: Path, *more: str) -> tuple[list[dict[str, str]], str]:
    """Runs Locust to its end; gives the rows and what it logged. It must succeed and never fail loudly."""
    done = subprocess.run(
        [*locust(host, chapters_file, "--headless"), *more],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return rows_of(chapters_file), done.stderr


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Locust in the background; killed if the test leaves it behind."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as load:
        try:
            yield load
        finally:
            load.kill()


def rows_of(chapters_file: Path) -> list[dict[str, str]]:
    """The rows written so far."""
    with chapters_file.with_name("requests.csv").open() as file:
        return list(csv.DictReader(file))


def test_live_readers_do_what_the_contract_says(stub: Stub, chapters_file: Path) -> None:
    """Speech of each block once, timings with every byte of the MP3 for each, plays one after another."""
    server = stub()
    rows, log = read(server.url, chapters_file, "--mode", "live")
    assert "all 2 readers have finished" in log
    for reader in ("0", "1"):
        mine = [row for row in rows if row["reader"] == reader]
        kinds = Counter((row["kind"], row["source"].split(":")[0]) for row in mine)
        assert kinds[("play", "first")] == 1
        # 10 s of session and blocks of just over 1 s: every block of the chapter, then again from the cache.
        assert kinds[("tts", "needed")] + kinds[("tts", "ahead")] == 4
        assert kinds[("whisper", "first")] == 4
        assert kinds[("play", "live")] == 3
        assert 4 <= kinds[("play", "cache")] <= 6
        plays = [float(row["t"]) for row in mine if row["kind"] == "play"]
        assert all(0.2 <= later - earlier < 0.5 for earlier, later in pairwise(plays))
    assert {row["status"] for row in rows} == {"200"}
    whispers = server.asked("/api/whisper")
    assert all(asked["whole"] for asked in whispers)
    assert {asked["text"] for asked in whispers} == {asked["text"] for asked in server.asked("/api/tts")}
    assert server.asked("/api/tts/chunk") == []


def test_timings_that_do_not_come_back_are_asked_again_and_left_at_the_end(
    stub: Stub, chapters_file: Path
) -> None:
    """An aligner that never answers gets more work; what is open when the reader leaves is a 499."""
    rows, _ = read(stub(whisper="never").url, chapters_file, "--mode", "live")
    whispers = Counter((row["source"], row["status"]) for row in rows if row["kind"] == "whisper")
    plays_from_cache = sum(row["source"] == "cache" for row in rows)
    assert set(whispers) == {("first", "499"), ("again", "499")}
    assert whispers[("again", "499")] >= plays_from_cache > 0


def test_cached_readers_never_ask_live(stub: Stub, chapters_file: Path) -> None:
    """Chunks and stored timings by name and hash, once each; nothing is made live."""
    server = stub()
    rows, _ = read(server.url, chapters_file, "--mode", "cached")
    kinds = Counter(row["kind"] for row in rows)
    assert (kinds["chunk"], kinds["timings"], kinds["tts"], kinds["whisper"]) == (8, 8, 0, 0)
    assert {row["source"] for row in rows if row["kind"] == "play"} == {"first:chunk", "chunk", "cache"}
    asked = server.asked("/api/tts/chunk")[0]
    assert asked["textHash"] == f"hash-{asked['page']}-{asked['blockIndex']}"
    assert (asked["documentId"], asked["voice"], asked["speed"], asked["model"]) == (
        "d",
        "alloy",
        "1",
        "tts-1",
    )


def test_a_missing_chunk_is_read_live(stub: Stub, chapters_file: Path) -> None:
    """Blocks without a chunk are made live, their timings once; the others stay on disk."""
    rows, _ = read(stub(missing="1+2").url, chapters_file, "--mode", "cached")
    kinds = Counter((row["kind"], row["status"]) for row in rows)
    assert kinds[("chunk", "404")] == kinds[("tts", "200")] == kinds[("whisper", "200")] == 4
    assert kinds[("chunk", "200")] == kinds[("timings", "200")] == 4
    assert Counter(row["source"] for row in rows)["fallback"] == 3


def test_hybrid_readers_ask_for_each_page_as_it_begins(stub: Stub, chapters_file: Path) -> None:
    """One ask a page and visit, with the reading's own settings, before its first block is fetched."""
    server = stub(missing="2")
    rows, _ = read(server.url, chapters_file, "--mode", "hybrid", "--users", "1")
    asks = [row for row in rows if row["kind"] == "preprocess"]
    assert [row["source"] for row in asks[:3]] == ["page:1", "page:2", "page:1"]
    assert {row["status"] for row in asks} == {"202"}
    assert server.asked("/api/tts/preprocess")[0] == {
        "path": "/api/tts/preprocess",
        "documentId": "d",
        "pages": "current+next",
        "page": 1,
        "voice": "alloy",
        "speed": 1.0,
        "model": "tts-1",
    }
    kinds = Counter((row["kind"], row["status"]) for row in rows)
    assert kinds[("chunk", "404")] == kinds[("tts", "200")] == kinds[("whisper", "200")] == 2
    assert kinds[("chunk", "200")] == kinds[("timings", "200")] == 2


@pytest.mark.parametrize(
    ("ahead", "status"), [("409", "409"), ("503", "503"), ("507", "507"), ("cut", "0"), ("never", "499")]
)
def test_an_ask_that_fails_is_recorded_and_disturbs_nobody(
    stub: Stub, chapters_file: Path, ahead: str, status: str
) -> None:
    """Refused, broken off or never answered: the reader plays block after block, and asks at the next page."""
    rows, log = read(stub(ahead=ahead).url, chapters_file, "--mode", "hybrid", "--users", "1")
    assert "all 1 readers have finished" in log
    asks = [row for row in rows if row["kind"] == "preprocess"]
    assert {row["status"] for row in asks} == {status}
    assert {row["source"] for row in asks} == {"page:1", "page:2"}
    plays = [float(row["t"]) for row in rows if row["kind"] == "play"]
    assert len(plays) >= 7
    assert all(later - earlier < 0.5 for earlier, later in pairwise(plays))


def test_to_the_letter_takes_audio_from_disk_and_timings_live(stub: Stub, chapters_file: Path) -> None:
    """Chunks from disk, timings by POST with the chunk's bytes."""
    server = stub()
    rows, _ = read(server.url, chapters_file, "--mode", "cached-to-the-letter")
    kinds = Counter(row["kind"] for row in rows)
    assert (kinds["chunk"], kinds["whisper"], kinds["tts"], kinds["timings"]) == (8, 8, 0, 0)
    assert all(asked["whole"] for asked in server.asked("/api/whisper"))


@pytest.mark.parametrize(
    ("settings", "status", "source"),
    [
        ({"cut": "1"}, "0", "needed"),
        ({"speech": "500"}, "500", "needed"),
        ({"speech": "html"}, "200", "needed:unplayable"),
    ],
    ids=["cut in the middle", "server error", "a web page"],
)
def test_speech_that_fails_is_retried_and_told(
    stub: Stub, chapters_file: Path, settings: dict[str, str], status: str, source: str
) -> None:
    """Three attempts, then again; nothing plays, and the silence until the end is a row."""
    rows, _ = read(stub(**settings).url, chapters_file, "--mode", "live")
    speech = [row for row in rows if row["kind"] == "tts"]
    assert {row["status"] for row in speech} == {status}
    assert (
        {":2" in row["source"] for row in speech}
        == {":3" in row["source"] for row in speech}
        == {True, False}
    )
    assert speech[0]["source"] == source
    never = [row for row in rows if row["kind"] == "play"]
    assert [(row["status"], row["source"]) for row in never] == [("0", "first:never")] * 2
    assert all(float(row["late_s"]) == pytest.approx(2.0, abs=0.01) for row in never)


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until a running process has come so far; fails after 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # what another process writes or opens has no event to await


def test_reading_goes_on_after_the_server_restarts(stub: Stub, chapters_file: Path) -> None:
    """Killed in mid-session, back on its port: failed requests in between, then blocks play again."""
    server = stub()
    port = server.url.rpartition(":")[2]
    command = locust(server.url, chapters_file, "--headless", "--session-s", "60")
    with running(command) as load:
        requests_file = chapters_file.with_name("requests.csv")
        wait_for(lambda: requests_file.exists() and "play" in requests_file.read_text())
        server.process.kill()
        server.process.wait()
        # Only blocks of another page are asked for: the wait ends when one has failed.
        wait_for(lambda: ",0,0," in requests_file.read_text())
        stub(port=port)
        _, log = load.communicate(timeout=60)
    assert load.returncode == 0
    assert "Traceback" not in log
    rows = rows_of(chapters_file)
    failed_t = max(float(row["t"]) for row in rows if row["status"] == "0" and row["kind"] != "play")
    assert any(
        float(row["t"]) > failed_t and row["source"] == "live" for row in rows if row["kind"] == "play"
    )


def test_a_terminated_load_keeps_its_rows(stub: Stub, chapters_file: Path) -> None:
    """SIGTERM in mid-session ends within seconds, exit code 0, with every row whole."""
    server = stub(whisper="never")
    with running(locust(server.url, chapters_file, "--headless", "--session-s", "600")) as load:
        requests_file = chapters_file.with_name("requests.csv")
        wait_for(lambda: requests_file.exists() and requests_file.read_text().count("play") >= 2)
        load.send_signal(signal.SIGTERM)
        _, log = load.communicate(timeout=20)
    assert load.returncode == 0
    assert "Traceback" not in log
    rows = rows_of(chapters_file)
    assert any((row["kind"], row["status"]) == ("whisper", "499") for row in rows)
    assert {len(row) for row in rows} == {8}


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("--mode", "fast", "argument --mode: invalid choice: 'fast' (choose from "),
        ("--pace", "0", "--pace: '0' is no number above 0. Use one such as 5."),
        ("--chapters-file", "absent.json", "absent.json: No such file or directory."),
        ("--requests-file", "absent/r.csv", "--requests-file: 'absent/r.csv' cannot be opened for writing"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    chapters_file: Path, option: str, value: str, line: str
) -> None:
    """A bad option is told in one line, without a traceback, and nothing is sent."""
    done = subprocess.run(
        locust("http://127.0.0.1:9", chapters_file, "--headless", "--loglevel", "ERROR", option, value),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=chapters_file.parent,
    )
    assert done.returncode == 2
    assert (
        sum(not told.startswith(("Type", "-", " ")) and bool(told) for told in done.stderr.splitlines()) <= 2
    )
    assert line in done.stderr
    assert "Traceback" not in done.stderr


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_run_from_the_web_page_takes_our_options(stub: Stub, chapters_file: Path) -> None:
    """A plain locust with its page: our options are on it, and a run started there obeys and records."""
    server, page = stub(), f"http://127.0.0.1:{free_port()}"
    web = ["--web-host", "127.0.0.1", "--web-port", page.rpartition(":")[2]]
    with running(locust(server.url, chapters_file, *web)) as load, requests.Session() as session:
        session.trust_env = False

        def served() -> bool:
            try:
                return session.get(page, timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        wait_for(served)
        assert "chapters_file" in session.get(page, timeout=5).text
        form = {"user_count": "1", "spawn_rate": "1", "host": server.url, "mode": "cached", "session_s": "5"}
        assert session.post(f"{page}/swarm", data=form, timeout=5).json()["success"]
        wait_for(lambda: session.get(f"{page}/stats/requests", timeout=5).json()["state"] == "stopped")
        load.send_signal(signal.SIGTERM)
        _, log = load.communicate(timeout=20)
    assert load.returncode == 0
    assert "Traceback" not in log
    assert {row["kind"] for row in rows_of(chapters_file)} == {"chunk", "timings", "play"}
