"""The process: starts, says where it listens, refuses a taken port, ends on a signal."""

import base64
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reference_server.__main__ import _listen, _make_app
from reference_server.errors import SettingsError
from reference_server.settings import Settings

COMMAND = [sys.executable, "-m", "reference_server"]


def _environ(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "DOCSTORE_DIR": str(tmp_path / "docstore"), **variables}


@contextmanager
def _server(tmp_path: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        COMMAND, env=_environ(tmp_path, PORT="0", **variables), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            address = next(
                found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
            )
            yield process, address
        finally:
            process.kill()


def _get(url: str, **headers: str) -> bytes:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback, the address is our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
        return bytes(answer.read())


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_ends_cleanly_on_a_signal(tmp_path: Path, end: signal.Signals) -> None:
    """GIVEN a server that answers WHEN a signal ends it THEN its exit code is 0 and no traceback is shown."""
    with _server(tmp_path) as (process, address):
        assert _get(f"{address}/api/health") == b'{"ok":true,"status":"healthy","ready":true}'
        process.send_signal(end)
        _, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in log


@pytest.mark.slow
def test_the_metrics_port_is_open_and_the_main_port_asks_for_the_password(tmp_path: Path) -> None:
    """GIVEN a password, a second port and JSON logs WHEN both are asked THEN each answers its own, and no log tells."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        metrics_port = free.getsockname()[1]
    password = "open-sesame-42"
    settings = {
        "METRICS_PORT": str(metrics_port),
        "BASIC_AUTH_USER": "reader",
        "BASIC_AUTH_PASSWORD": password,
        "API_KEY": "sk-very-secret",
        "LOG_FORMAT": "json",
        "LOG_REQUESTS": "1",
    }
    with _server(tmp_path, **settings) as (process, address):
        second = f"http://127.0.0.1:{metrics_port}"
        assert b"reader_requests_total" in _get(f"{second}/metrics")
        assert b"healthy" in _get(f"{second}/api/health/ready")
        for url, status in ((f"{second}/api/documents", 404), (f"{address}/metrics", 401)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _get(url)
            assert refused.value.code == status
            refused.value.close()
        credentials = base64.b64encode(f"reader:{password}".encode()).decode()
        answer = _get(f"{address}/api/documents", Authorization=f"Basic {credentials}")
        assert json.loads(answer) == {"documents": []}
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert password not in log
    assert "sk-very-secret" not in log
    lines = [json.loads(line) for line in log.splitlines()]
    logged = [(line["method"], line["route"], line["status"]) for line in lines if "route" in line]
    assert ("GET", "/api/documents", 200) in logged
    assert ("GET", "other", 401) in logged


@pytest.mark.slow
def test_nothing_heavy_is_in_the_server(tmp_path: Path) -> None:
    """The model's libraries live in the children alone: the idle server stays under 100 MB without them."""
    with _server(tmp_path) as (process, address):
        _get(f"{address}/api/health")
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        status = Path(f"/proc/{process.pid}/status").read_text()
    for library in ("numpy", "ctranslate2", "onnxruntime", "pdfium", "tokenizers"):
        assert library not in maps
    rss_kb = int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])
    assert rss_kb < 100_000


@pytest.mark.parametrize("name", ["PORT", "METRICS_PORT"])
def test_a_taken_port_is_one_line(tmp_path: Path, name: str) -> None:
    """A second server on the port ends with 2 and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            COMMAND,
            env=_environ(tmp_path, **{"PORT": "0", name: port}),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.count(f"127.0.0.1:{port} cannot be used (Address already in use).") == 1
    assert f"set {name} to a free one" in result.stderr


@pytest.mark.parametrize(
    "variables", [{"PORT": "x"}, {"HOST": "999.1.1.1", "PORT": "0"}, {"DOCSTORE_DIR": "/proc/x", "PORT": "0"}]
)
def test_a_setting_that_cannot_be_used_is_one_line(tmp_path: Path, variables: dict[str, str]) -> None:
    """The line names the variable, and the exit code is 2."""
    result = subprocess.run(
        COMMAND, env=_environ(tmp_path, **variables), capture_output=True, text=True, check=False, timeout=20
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(next(iter(variables)))


@pytest.mark.slow
def test_a_docstore_has_one_server_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    """GIVEN a server WHEN a second is started on its docstore THEN it ends with one line, until the first is gone."""
    with _server(tmp_path) as (first, _):
        second = subprocess.run(
            COMMAND,
            env=_environ(tmp_path, PORT="0"),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert second.returncode == 2
        assert second.stderr.startswith("DOCSTORE_DIR: ")
        assert second.stderr.endswith("is in use by another server. End it, or use another folder.\n")
        first.kill()
        first.wait()
    with _server(tmp_path) as (_, address):
        assert b"healthy" in _get(f"{address}/api/health")


@pytest.mark.parametrize(
    ("file", "start"),
    [
        ("{store}/documents", "DOCSTORE_DIR: "),
        ("/", "DOCSTORE_DIR: "),
        ("/model.bin", "/model.bin: "),
        (None, "DOC"),
    ],
)
def test_the_file_that_failed_is_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str | None, start: str
) -> None:
    """A model that may not be read is not blamed on the docstore."""
    name = file and file.format(store=tmp_path)

    def fail(_settings: Settings) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", name)

    monkeypatch.setattr("reference_server.app.create_app", fail)
    with pytest.raises(SettingsError, match="Permission denied") as caught:
        _make_app(Settings(docstore_dir=tmp_path))
    assert str(caught.value).startswith(start)


def test_an_answer_on_a_used_connection_is_not_held_back() -> None:
    """Accepted connections inherit TCP_NODELAY: Nagle's algorithm would add 40 ms to every later answer."""
    with (
        _listen("127.0.0.1", 0, "PORT") as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert client.getpeername() == listener.getsockname()
