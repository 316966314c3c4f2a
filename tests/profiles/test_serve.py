"""`oomproof serve` as a person uses it: started, tried, ended; and every way in which it can go wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from reportlab.pdfgen.canvas import Canvas
from tinytag import TinyTag

from loadtests.upstream import DEFAULT_PORT as UPSTREAM_ALONE
from profiles import cli, serve
from reference_server.settings import Settings

SENTENCE = "The suite is executed, and then the method is invoked."


@contextmanager
def serving(tmp_path: Path, *options: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command on free ports once it has said what to try: its process, and what it said."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), **settings}
    command = [sys.executable, "-m", "profiles.cli", "serve", "--port", "0", "--upstream-port", "0"]
    command += ["--docstore", str(tmp_path / "store"), *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            yield process, said
        finally:
            process.kill()


def url_of(said: str) -> str:
    """Where the server listens, as it was told."""
    return said.partition("\nServer ")[2].split()[0]


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> bytes:
    """Make one request and return the whole answer."""
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - loopback, our own address
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return bytes(answer.read())


def small_pdf(path: Path) -> Path:
    """A PDF of two pages with a sentence each."""
    canvas = Canvas(str(path))
    for _ in range(2):
        canvas.drawString(72, 700, SENTENCE)
        canvas.showPage()
    canvas.save()
    return path


@pytest.mark.slow
def test_a_page_is_made_and_heard_and_nothing_is_left_running(tmp_path: Path) -> None:
    """GIVEN the command WHEN what it says to try is done, then Ctrl-C THEN a chunk was heard; all is gone, 130."""
    with serving(tmp_path) as (process, said):
        url = url_of(said)
        family = psutil.Process(process.pid).children(recursive=True)
        assert {word for child in family for word in child.cmdline()} >= {
            "loadtests.upstream",
            "reference_server",
        }
        assert json.loads(ask(f"{url}/api/health"))["ok"]
        pdf = small_pdf(tmp_path / "book.pdf").read_bytes()
        assert json.loads(ask(f"{url}/api/documents/book", "PUT", pdf))["pages"] == 2
        assert "-H 'accept: text/event-stream' --json" in said  # it waits, so the next lines find the chunk
        job = json.dumps({"documentId": "book", "pages": [1]}).encode()
        events = ask(
            f"{url}/api/tts/preprocess",
            "POST",
            job,
            **{"Content-Type": "application/json", "Accept": "text/event-stream"},
        ).decode()
        last = json.loads(re.findall(r"^data: (.*)$", events, re.MULTILINE)[-1])
        assert (last["state"], last["done"], last["failed"]) == ("done", 1, 0)
        chunk = tmp_path / "block.mp3"
        chunk.write_bytes(ask(f"{url}/api/tts/chunk?documentId=book&page=1&blockIndex=0"))
        assert (TinyTag.get(chunk).duration or 0) > 1
        family += psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "oomproof: interrupted; everything started was stopped.\n")
    assert not [child for child in family if child.is_running()]
    assert not list(tmp_path.glob("oomproof-serve-*"))


@pytest.mark.slow
def test_a_service_manager_ends_it_with_0(tmp_path: Path) -> None:
    """GIVEN the command WHEN SIGTERM comes THEN it ends with 0 and without a word; nothing is left."""
    with serving(tmp_path) as (process, _):
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "", "")
    assert len(family) >= 2
    assert not [child for child in family if child.is_running()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"), [("reference_server", "server"), ("loadtests.upstream", "speech upstream")]
)
def test_the_death_of_one_ends_the_other(tmp_path: Path, module: str, name: str) -> None:
    """GIVEN the command WHEN a part dies THEN one line says which and how, its log stays, all is gone, 4."""
    with serving(tmp_path) as (process, _):
        family = psutil.Process(process.pid).children(recursive=True)
        next(child for child in family if module in child.cmdline()).kill()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 4
    assert errors.startswith(f"oomproof: {name}: was killed by SIGKILL")
    assert errors.count("\n") == 1
    log = Path(re.findall(r"See (\S+\.log)\.$", errors)[0])
    assert log.is_file()
    assert not [child for child in family if child.is_running()]


@pytest.mark.slow
def test_another_speech_api_takes_the_upstreams_place(tmp_path: Path) -> None:
    """GIVEN --api-base and a password THEN no upstream is started, and the requests to try carry the name."""
    with serving(
        tmp_path, "--api-base", "http://127.0.0.1:9/v1", BASIC_AUTH_USER="ann lee", BASIC_AUTH_PASSWORD="x"
    ) as (process, said):
        family = psutil.Process(process.pid).children(recursive=True)
        assert not [child for child in family if "loadtests.upstream" in child.cmdline()]
        assert "Speech API  http://127.0.0.1:9/v1\n" in said
        assert "curl -u 'ann lee' -T" in said
        assert "BASIC_AUTH_PASSWORD" not in said


@pytest.mark.slow
def test_a_setting_that_the_server_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a wrong setting in the environment THEN the server's own line, exit code 2, and no log stays."""
    monkeypatch.setenv("ALIGNERS", "many")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    arguments = ["serve", "--port", "0", "--api-base", "http://127.0.0.1:9/v1", "--docstore", str(tmp_path)]
    assert cli.main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("oomproof: server: ALIGNERS: 'many' is not ")
    assert errors.count("\n") == 1
    assert not list(tmp_path.glob("oomproof-serve-*"))


def test_a_taken_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a port that somebody has THEN one line names the option and the way out, before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options in (["--port", port], ["--port", "0", "--upstream-port", port]):
            assert cli.main(["serve", "--docstore", str(tmp_path), *options]) == 2
            errors = capsys.readouterr().err
            assert errors.startswith(
                f"oomproof: {options[-2]} {port}: cannot be used (Address already in use). Give"
            )
            assert "0 for a free one." in errors
            assert errors.count("\n") == 1


@pytest.mark.parametrize("port", ["65536", "-1"])
def test_a_number_that_is_no_port_is_one_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a number outside 0 to 65535 THEN wrong use."""
    assert cli.main(["serve", f"--port={port}"]) == 2
    assert f"--port {port}: no port. Give one from 1 to 65535" in capsys.readouterr().err


def test_a_port_in_the_environment_that_is_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN PORT=x THEN the line names it, and --port as the way out."""
    monkeypatch.setenv("PORT", "x")
    assert cli.main(["serve"]) == 2
    assert "PORT: 'x' is no port. Set a number, or give --port." in capsys.readouterr().err


def test_options_go_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN settings in the environment THEN they reach the server, except where an option or loopback says other."""
    given = {
        "HOST": "0.0.0.0",
        "PORT": "1",
        "DOCSTORE_DIR": "/d",
        "API_BASE": "http://env/v1",
        "ALIGNERS": "1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    parser = cli._parser()
    plain = serve._settings(parser.parse_args(["serve", "--port", "0"]))
    assert {name: plain[name] for name in given} == {**given, "HOST": "127.0.0.1", "PORT": plain["PORT"]}
    assert int(plain["PORT"]) > 1024
    options = ["--port", "0", "--docstore", str(tmp_path), "--api-base", "http://option/v1"]
    chosen = serve._settings(parser.parse_args(["serve", *options]))
    assert (chosen["DOCSTORE_DIR"], chosen["API_BASE"]) == (str(tmp_path), "http://option/v1")


@pytest.mark.parametrize("options", [["--fault", "429"], ["--latency", "1"]])
def test_another_speech_api_has_its_own_faults(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN --api-base with --fault or --latency THEN one line says that both cannot be."""
    assert cli.main(["serve", "--port", "0", "--api-base", "http://127.0.0.1:9/v1", *options]) == 2
    errors = capsys.readouterr().err
    assert "--latency and --fault: http://127.0.0.1:9/v1 has its own" in errors
    assert errors.count("\n") == 1


def test_a_fault_that_is_none_is_the_upstream_s_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN --fault with no such fault THEN the upstream's own line, exit code 2, and no log stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("API_BASE", raising=False)
    assert cli.main(["serve", "--port", "0", "--upstream-port", "0", "--fault", "teapot"]) == 2
    errors = capsys.readouterr().err
    assert "argument --fault: 'teapot': no such fault. Use one of 429" in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.glob("oomproof-serve-*"))


def test_an_empty_api_base_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN API_BASE set to nothing THEN it counts as unset, as the server reads it: an upstream is started."""
    monkeypatch.setenv("API_BASE", " ")
    assert "API_BASE" not in serve._settings(cli._parser().parse_args(["serve", "--port", "0"]))


def test_no_proxy_stands_before_our_own_upstream() -> None:
    """GIVEN a proxy for the world THEN loopback is left out of it, beside what was left out before."""
    settings = serve._beside("http://127.0.0.1:7", {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "intern"})
    assert settings["API_BASE"] == "http://127.0.0.1:7/v1"
    assert settings["no_proxy"] == settings["NO_PROXY"] == "127.0.0.1,intern"


def test_started_alone_without_settings_server_and_upstream_find_each_other() -> None:
    """GIVEN no setting THEN the server looks where the upstream listens, and `serve` uses the same ports."""
    api = urlsplit(Settings.from_environ({}).api_base)
    assert (api.hostname, api.port) == ("127.0.0.1", UPSTREAM_ALONE)
    assert (Settings().port, UPSTREAM_ALONE) == (serve.DEFAULT_PORT, serve.DEFAULT_UPSTREAM_PORT)
