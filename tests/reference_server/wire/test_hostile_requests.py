"""Requests that no client of good will sends, byte by byte: each is refused by its name, and nothing is touched."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest

PATIENCE_S = 30.0

NOT_IDS = [
    "..",
    ".",
    "...",
    ".hidden",
    "../decoy",
    "..%2fdecoy",
    "..%252fdecoy",
    "%2e%2e",
    "%2e%2e%2fdecoy",
    "..%5cdecoy",
    "%00",
    "doc%00.mp3",
    "doc%0a",
    "doc%0d%0aX: y",
    "doc%2f..%2fdoc",
    "%2fetc%2fpasswd",
    "doc%20",
    "doc~",
    "d%c3%a9c",
    "%ff%fe",
    "%c0%af",
    "%e2%80%ae",
    "doc%ef%bc%8fx",
    "a" * 129,
    "a" * 60_000,
    "-doc",
    "$(id)",
    "doc;id",
    "%",
    "%zz",
    "*",
]
"""What may stand in a path in place of an id, as it goes over the wire."""

NUMBERS = ["0", "-1", "1.5", "1e3", "0x1", "٣", "9" * 10, "9" * 400, "9" * 5000, "NaN", "Infinity", "", " 1"]


class Server(Protocol):
    """What is used here of the server of conftest."""

    address: tuple[str, int]
    decoy: Path

    def strays(self) -> list[str]:
        """Return what was opened or changed elsewhere than in the docstore."""


@dataclass(frozen=True)
class Answer:
    """A status, the headers in lower case, and the body."""

    status: int
    head: bytes
    body: bytes

    @property
    def code(self) -> str:
        """The error's name."""
        return str(json.loads(self.body)["code"])


def _ask(server: Server, raw: bytes) -> Answer:
    """Send bytes as they are and return what comes until the server closes."""
    with socket.create_connection(server.address, timeout=PATIENCE_S) as client:
        client.sendall(raw)
        received = bytearray()
        while part := client.recv(65536):
            received += part
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    return Answer(int(head.split()[1]), head.lower(), body)


def _request(method: str, target: str, body: bytes = b"", headers: str = "") -> bytes:
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def _is_refused(answer: Answer) -> bool:
    return 400 <= answer.status < 500 and b"x-content-type-options: nosniff" in answer.head


@pytest.mark.parametrize("not_id", NOT_IDS, ids=lambda value: value[:20])
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/page/{}"),
        ("GET", "/api/events?documentId={}"),
        ("GET", "/api/documents/{}"),
        ("PUT", "/api/documents/{}"),
        ("DELETE", "/api/documents/{}"),
        ("GET", "/api/documents/{}/pages"),
        ("GET", "/api/documents/{}/pages/1/blocks"),
        ("GET", "/api/tts/chunk?documentId={}&page=1&blockIndex=0"),
        ("GET", "/api/tts/timings?documentId={}&page=1&blockIndex=0"),
        ("GET", "/api/tts/preprocess/status?documentId={}"),
        ("DELETE", "/api/tts/preprocess?documentId={}"),
    ],
)
def test_what_is_no_id_never_becomes_a_path(server: Server, method: str, target: str, not_id: str) -> None:
    """GIVEN an id that is none WHEN any route is given it THEN it is 4xx and no file outside is touched."""
    answer = _ask(server, _request(method, target.format(not_id), b"text" if method == "PUT" else b""))
    assert _is_refused(answer), answer
    assert answer.code in {"BAD_ID", "NOT_FOUND", "BAD_REQUEST", "NO_DOCUMENT", "METHOD_NOT_ALLOWED"}
    assert server.strays() == []
    assert server.decoy.read_text() == "untouched"


@pytest.mark.parametrize(
    "not_id", ["../decoy", "..", "/etc/passwd", "doc\0", "doc\n", "\ud800", "a" * 201, 1, None, [], {}]
)
@pytest.mark.parametrize("path", ["", "/cancel", "/estimate"])
def test_what_is_no_id_in_a_body_neither(server: Server, path: str, not_id: object) -> None:
    """GIVEN a body with such an id WHEN it is sent THEN it is 400, and no file outside is touched."""
    body = json.dumps({"documentId": not_id}).encode()
    answer = _ask(server, _request("POST", f"/api/tts/preprocess{path}", body))
    assert (answer.status, answer.code in {"BAD_ID", "BAD_REQUEST", "MISSING_PARAMETERS"}) == (400, True), (
        answer
    )
    assert server.strays() == []


@pytest.mark.parametrize("number", NUMBERS, ids=lambda value: value[:10])
def test_a_number_that_is_none_or_too_large_is_refused(server: Server, number: str) -> None:
    """GIVEN odd page and block numbers WHEN they are asked for THEN each is 4xx, in path and query."""
    wire = quote(number)
    for target in (
        f"/api/documents/doc/pages/{wire}/blocks",
        f"/api/tts/chunk?documentId=doc&page={wire}&blockIndex=0",
        f"/api/tts/chunk?documentId=doc&page=1&blockIndex={wire}9999999",
        f"/api/tts/preprocess/status?documentId=doc&speed=5{wire}",
    ):
        answer = _ask(server, _request("GET", target))
        assert _is_refused(answer), (target[:80], answer)


DEEP = b"[" * 100_000
BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"NaN",
    b'{"documentId": NaN}',
    b'{"documentId": "doc", "speed": NaN}',
    b'{"documentId": "doc", "speed": Infinity}',
    b'{"documentId": "doc", "speed": 1e999}',
    b'{"documentId": "doc", "speed": ' + b"9" * 400 + b"}",
    b'{"documentId": "doc", "speed": ' + b"9" * 5000 + b"}",
    b'{"documentId": "doc", "speed": true}',
    b'{"documentId": "doc", "speed": "1"}',
    b'{"documentId": "doc", "pages": []}',
    b'{"documentId": "doc", "pages": [true]}',
    b'{"documentId": "doc", "pages": [1.0]}',
    b'{"documentId": "doc", "pages": ["1"]}',
    b'{"documentId": "doc", "pages": [0]}',
    b'{"documentId": "doc", "pages": [' + b"9" * 400 + b"]}",
    b'{"documentId": "doc", "pages": [-1]}',
    b'{"documentId": "doc", "pages": "some"}',
    b'{"documentId": "doc", "pages": {}}',
    b'{"documentId": "doc", "pages": "current+next"}',
    b'{"documentId": "doc", "pages": "current+next", "page": 99}',
    b'{"documentId": "doc", "voice": ""}',
    b'{"documentId": "doc", "voice": "\\ud800"}',
    b'{"documentId": "doc", "voice": ["alloy"]}',
    b'{"documentId": "doc", "voice": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"documentId": "doc", "pages": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"documentId": "doc", "documentId": "../decoy"}',
    b"\xff\xfe\x00",
    b'{"documentId": "\xff"}',
    b'{"documentId": "\xed\xa0\x80"}',
    b'\xef\xbb\xbf{"documentId": "doc"',
    DEEP,
    b'{"a":' * 100_000,
    b'{"documentId": ' + DEEP,
    b"\x00" * 1000,
    b'{"documentId": "' + b"a" * 2_000_000 + b'"}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:40].decode("latin-1") + str(len(body)))
@pytest.mark.parametrize("path", ["/api/tts/preprocess", "/api/tts/preprocess/estimate"])
def test_a_body_that_is_none_is_refused(server: Server, path: str, body: bytes) -> None:
    """GIVEN a body of wrong shape, type, range, depth, size or bytes WHEN it is sent THEN it is 4xx, and short."""
    answer = _ask(server, _request("POST", path, body))
    assert _is_refused(answer), answer
    assert answer.code in {"BAD_REQUEST", "BAD_ID", "MISSING_PARAMETERS", "NO_PAGE", "TOO_LARGE"}
    assert len(answer.body) < 500


LIVE = [
    ("/api/tts", b'{"text": "a", "voice": "b", "speed": NaN}'),
    ("/api/tts", b'{"text": "a", "voice": "b", "speed": 1e999}'),
    ("/api/tts", b'{"text": "\\ud800", "voice": "b", "speed": 1}'),
    ("/api/tts", b'{"text": ["a"], "voice": "b", "speed": 1}'),
    ("/api/tts", b'{"text": "a", "voice": {}, "speed": 1}'),
    ("/api/tts", b'{"text": "a", "voice": "b", "speed": "1"}'),
    (
        "/api/tts",
        b'{"text": "a", "voice": "b", "speed": 1, "format": {"a": ' + b"[" * 800 + b"]" * 800 + b"}}",
    ),
    ("/api/tts", b'{"text": "' + b"a" * 4097 + b'", "voice": "b", "speed": 1}'),
    ("/api/whisper", b'{"text": "a", "audio": "abc"}'),
    ("/api/whisper", b'{"text": "a", "audio": [256]}'),
    ("/api/whisper", b'{"text": "a", "audio": [-1]}'),
    ("/api/whisper", b'{"text": "a", "audio": [1.5]}'),
    ("/api/whisper", b'{"text": "a", "audio": [[1]]}'),
    ("/api/whisper", b'{"text": "a", "audio": [' + b"9" * 400 + b"]}"),
    ("/api/whisper", b'{"text": "a", "audio": [1], "lang": "../../etc"}'),
    ("/api/whisper", b'{"text": "a", "audio": [1], "lang": "--help"}'),
    ("/api/whisper", b'{"text": "a", "audio": {"length": 1000000000}}'),
]


@pytest.mark.parametrize(("path", "body"), LIVE, ids=lambda value: str(value)[:60])
def test_live_routes_refuse_the_same(server: Server, path: str, body: bytes) -> None:
    """GIVEN a live body of wrong types or ranges WHEN it is sent THEN it is 400 before anything is asked."""
    answer = _ask(server, _request("POST", path, body))
    assert (answer.status, answer.code in {"BAD_REQUEST", "MISSING_PARAMETERS"}) == (400, True), answer


CHUNK = "/api/tts/chunk?documentId=doc&page=1&blockIndex=0"


@pytest.mark.parametrize(
    "ranges",
    [
        "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(4000)),
        "bytes=" + ",".join(["0-"] * 8000),
        "bytes=" + ",".join(["-1"] * 8000),
        "bytes=" + "," * 60_000,
        "bytes=0-" + "9" * 5000,
        "bytes=" + "9" * 5000 + "-",
        "bytes=--1",
        "bytes=1-0",
        "bytes=x-y",
        "bytes",
        "lines=0-1",
        "bytes=-",
        "\xb2-\xb3",
    ],
    ids=lambda value: value[:20],
)
def test_many_or_odd_ranges_cost_no_more_than_the_chunk(server: Server, ranges: str) -> None:
    """GIVEN thousands of parts, or parts that are none WHEN a chunk is asked for THEN it is at most twice as large."""
    whole = _ask(server, _request("GET", CHUNK))
    assert whole.status == 200
    head = f"GET {CHUNK} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: {ranges}\r\n\r\n"
    answer = _ask(server, head.encode("latin-1"))
    assert answer.status in {200, 206, 400, 416}, answer.head
    assert len(answer.body) < 2 * len(whole.body)


@pytest.mark.parametrize(
    "header",
    [
        "If-None-Match: " + '"x",' * 15_000,
        "If-None-Match: " + "W/" * 30_000,
        "If-Range: " + '"' * 60_000,
        "Authorization: Basic " + "A" * 60_000,
        "Accept: " + "text/event-stream," * 3_000,
        "Content-Type: " + "a/" * 30_000,
        "x-openai-key: \xff",
        "x-openai-base-url: http://169.254.169.254/",
        "X-Forwarded-For: " + "1," * 30_000,
        "Cookie: " + "a=b;" * 15_000,
        "Transfer-Encoding: gzip",
        "Upgrade: websocket\r\nConnection: Upgrade",
        "Sec-Fetch-Site: cross-site",
    ],
    ids=lambda value: value[:30],
)
@pytest.mark.parametrize("target", [CHUNK, "/api/tts/voices", "/api/health", "/nowhere"])
def test_odd_headers_are_no_failure(server: Server, target: str, header: str) -> None:
    """GIVEN headers that are long, odd or a trap WHEN they come THEN nothing fails, and no upstream is asked."""
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n"
    answer = _ask(server, head.encode("latin-1"))
    assert answer.status in {200, 304, 400, 403, 404, 502}, answer.head


@pytest.mark.parametrize(
    "method", ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "LOCK", "DELETE", "POST"]
)
def test_methods_that_a_route_does_not_know_are_405(server: Server, method: str) -> None:
    """GIVEN a method nobody uses here WHEN it is sent THEN the answer says which are known."""
    answer = _ask(server, _request(method, "/api/tts/chunk"))
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert b"\r\nallow: " in answer.head


@pytest.mark.parametrize("name", ["a" * 201, "", "%ff", "%00", "..%2f..%2fdecoy", "%0d%0aX: y", "%ed%a0%80"])
def test_a_file_name_is_only_a_name(server: Server, name: str) -> None:
    """GIVEN any name beside an upload WHEN it is sent THEN it is kept or refused, and never a path."""
    answer = _ask(server, _request("POST", f"/api/documents?name={name}", b"Some text to be read."))
    assert answer.status in {200, 201, 400}, answer
    assert b"x: y" not in answer.head
    assert server.strays() == []


def test_a_huge_body_that_was_not_declared_ends_at_the_limit(server: Server) -> None:
    """GIVEN a chunked upload without end WHEN it passes the limit THEN it is 413, and nothing of it stays."""
    head = b"PUT /api/documents/huge HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    part = b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000)
    with socket.create_connection(server.address, timeout=PATIENCE_S) as client:
        client.sendall(head + part * 5)
        received = b""
        while b"TOO_LARGE" not in received:
            received += client.recv(65536)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert _ask(server, _request("GET", "/api/documents/huge")).status == 404


@pytest.mark.parametrize(
    ("method", "target"),
    [("PUT", "/api/documents/slow"), ("POST", "/api/tts/preprocess"), ("POST", "/api/whisper")],
)
def test_a_body_that_stops_is_given_up(server: Server, method: str, target: str) -> None:
    """GIVEN a body that stops half way WHEN its time is over THEN it is 408, the connection ends, nothing stays."""
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    answer = _ask(server, head.encode() + b'{"te')
    assert (answer.status, answer.code) == (408, "TOO_SLOW")
    assert list((server.decoy.parents[1] / "documents").glob(".upload*")) == []


def test_a_client_that_waits_to_be_asked_for_its_body_is_refused_before_it_sends_it(server: Server) -> None:
    """GIVEN `Expect: 100-continue` WHEN the body would be too large THEN it is refused; else it is asked for."""
    with socket.create_connection(server.address, timeout=PATIENCE_S) as client:
        head = "PUT /api/documents/polite HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
        client.sendall(f"{head}200001\r\n\r\n".encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(server.address, timeout=PATIENCE_S) as client:
        client.sendall(f"{head}200000\r\n\r\n".encode())
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
