import socket
import ssl
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from loadtests.asking import Host
from loadtests.broken_connections import BrokenOffError, PrepareError, what_broke

Scripted = Callable[..., Any]
Raw = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS with a certificate of its own making, by the openssl command."""
    folder: Path = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def told(url: str, kind: type[PrepareError] = PrepareError) -> str:
    """The one line that asking ends with, from our own user and password at least."""
    with Host(url.replace("//", "//me:geheim@")) as host, pytest.raises(kind) as raised:
        host.ask("GET", "/x", silence_s=0.3)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    assert "geheim" not in str(raised.value)
    return str(raised.value)


def page(_: object) -> tuple[int, str, bytes]:
    """Any answer."""
    return 200, "text/html", b"<html>"


def test_an_untrusted_certificate_is_told_with_the_way_around(
    scripted: Scripted, self_signed: ssl.SSLContext
) -> None:
    """A self-signed certificate is refused, and taken with the check off."""
    server = scripted(page, self_signed)
    line = f"{server.url}: its certificate is not trusted (self-signed certificate). Mend it, or go without the check: "
    assert told(server.url) == f"{line}--insecure."
    with Host(server.url, insecure=True) as host:
        assert host.ask("GET", "/").status_code == 200


def test_http_and_https_taken_for_each_other_are_told(
    scripted: Scripted, self_signed: ssl.SSLContext
) -> None:
    """Plain HTTP to a TLS port, and TLS to a plain one: each names the address to use."""
    secure, plain = scripted(page, self_signed), scripted(page)
    without = secure.url.replace("https", "http")
    assert told(without) == f"{without}: speaks TLS. Use {secure.url}."
    with_tls = plain.url.replace("http", "https")
    assert told(with_tls) == (
        f"{with_tls}: TLS fails (wrong version number). If none is spoken there, use {plain.url}."
    )


def test_a_closed_port_and_an_unknown_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, and nobody has the name: each with its question."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert told(url) == f"{url}: cannot be reached: nothing listens there. Is the server running?"

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    url = "http://reader.example:8000"
    assert told(url) == f"{url}: no host has this name. Check its spelling."


def test_a_silent_server_is_not_waited_for_without_end(raw: Raw) -> None:
    """A server that takes the request and says nothing is left after the time given."""

    def listen(connection: socket.socket) -> None:
        while connection.recv(1 << 16):
            pass

    url = raw(listen)
    assert told(url) == f"GET {url}/x: does not answer within 0.3 s. See the server's log."


def test_what_speaks_no_http_is_told(raw: Raw) -> None:
    """Another protocol's greeting is no broken connection."""

    def greet(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.recv(1 << 16)

    url = raw(greet)
    assert told(url) == f"{url}: what answers there does not speak HTTP. Check the port."


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_connection_that_ends_early_is_an_error_of_its_own(raw: Raw, begun: bytes, *, reset: bool) -> None:
    """Closed or reset, before the answer or within: it broke off."""

    def vanish(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(begun)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    url = raw(vanish)
    line = f"GET {url}/x: the connection broke off. Did the server end? See its log."
    assert told(url, BrokenOffError) == line


def test_whatever_else_is_one_line_too() -> None:
    """A host behind a firewall, and an error nobody thought of."""
    parts = urlsplit("http://me:geheim@h:1")
    late = what_broke(requests.ConnectTimeout("late"), "GET", parts, "http://h:1/x", 9.0)
    assert str(late) == "http://h:1: cannot be reached: no connection in time. Is a firewall in between?"
    other = requests.ConnectionError("odd")
    other.__cause__ = OSError(113, "No route to host")
    assert "cannot be reached: No route to host." in str(what_broke(other, "GET", parts, "http://h:1/x", 9.0))
