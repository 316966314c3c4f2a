"""A chunk over a real connection from a real server process, asked for by the real curl."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reference_server.chunk import Voicing
from reference_server.outline import Block
from reference_server.store import ChunkStore

pytestmark = pytest.mark.slow

CHUNK = "/api/tts/chunk?documentId=doc&page=1&blockIndex=0"
VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
TEXT = "Short page."


@dataclass(frozen=True)
class Server:
    """A running server with one document, and its chunks' folder as another process sees it."""

    address: str
    root: Path
    audio: bytes

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])

    def put(self, audio: bytes) -> None:
        """Store a chunk, in the place of one that is there."""
        store = ChunkStore(self.root)
        store.commit("doc", Block(1, 0, 1, TEXT), VOICING, store.stage("doc", audio), {"alignments": []})


@pytest.fixture
def server(
    tmp_path: Path, mp3: bytes, mp3_of: Callable[[float], bytes], pdf: Callable[..., bytes]
) -> Iterator[Server]:
    """A server whose one chunk has 20 MB: more than what the sockets between it and a client take."""
    docstore = tmp_path / "docstore"
    environ = {**os.environ, "DOCSTORE_DIR": str(docstore), "PORT": "0"}
    command = [sys.executable, "-m", "reference_server"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)
            address = next(match[0] for match in found if match)
            request = urllib.request.Request(f"{address}/api/documents/doc", data=pdf([TEXT]), method="PUT")  # noqa: S310, RUF100 - loopback
            with urllib.request.urlopen(request, timeout=60):  # noqa: S310 - as above
                pass
            audio = mp3_of(1.0) + mp3 * (20_000_000 // len(mp3))
            server = Server(address, docstore / "tts_cache_v1", audio)
            server.put(audio)
            yield server
        finally:
            process.kill()


def _curl(server: Server, *options: str) -> tuple[int, dict[str, str], bytes]:
    result = subprocess.run(
        ["curl", "--silent", "--show-error", "--include", *options, f"{server.address}{CHUNK}"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, body


def test_curl_has_the_whole_its_parts_and_its_conditions(server: Server) -> None:
    """Whole, first bytes, last bytes, 416, HEAD, If-Range strong, other and weak, 304 in all its forms."""
    audio, size = server.audio, len(server.audio)
    status, headers, body = _curl(server)
    etag = headers["etag"]
    assert (status, body == audio) == (200, True)
    assert re.fullmatch(r'"[0-9a-f]{64}"', etag)
    assert headers["cache-control"] == "private, no-cache"
    assert headers["accept-ranges"] == "bytes"
    for asked, first, end in (("0-0", 0, 1), ("1000-1999", 1000, 2000), ("-10", size - 10, size)):
        status, headers, body = _curl(server, "-r", asked)
        assert (status, body) == (206, audio[first:end])
        assert headers["content-range"] == f"bytes {first}-{end - 1}/{size}"
        assert headers["etag"] == etag
    status, headers, body = _curl(server, "-r", f"{size}-")
    assert (status, headers["content-range"], body) == (416, f"bytes */{size}", b"")
    status, headers, body = _curl(server, "--head")
    assert (status, headers["content-length"], headers["etag"], body) == (200, str(size), etag, b"")
    for condition, expected in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        status, _, body = _curl(server, "-r", "5-9", "-H", f"If-Range: {condition}")
        assert (status, body == (audio[5:10] if expected == 206 else audio)) == (expected, True)
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        status, headers, body = _curl(server, "-r", "5-9", "-H", f"If-None-Match: {known}")
        assert (status, headers["etag"], body) == (304, etag, b"")
        assert headers["cache-control"] == "private, no-cache"


def test_curl_goes_on_with_a_broken_transfer_only_of_the_same_chunk(server: Server, mp3: bytes) -> None:
    """GIVEN the tag of a chunk WHEN the chunk is made anew THEN a resumed transfer begins from the start."""
    etag = _curl(server, "--head")[1]["etag"]
    resumed = ("-r", "1000-", "-H", f"If-Range: {etag}")
    assert _curl(server, *resumed)[0] == 206
    server.put(mp3)
    status, headers, body = _curl(server, *resumed)
    assert (status, body) == (200, mp3)
    assert headers["etag"] != etag


def _remove(server: Server) -> None:
    request = urllib.request.Request(f"{server.address}/api/tts/preprocess?documentId=doc", method="DELETE")  # noqa: S310, RUF100 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        assert b'"deleted":true' in answer.read()


def _replace(server: Server) -> None:
    server.put(server.audio[: len(server.audio) // 2])


@pytest.mark.parametrize("change", [_remove, _replace])
def test_a_chunk_that_goes_while_it_is_sent_comes_whole(
    server: Server, change: Callable[[Server], None]
) -> None:
    """GIVEN a reader that has the first bytes WHEN the chunk is removed or made anew THEN the rest is the old one's."""
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(f"GET {CHUNK} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        received = bytearray(reader.recv(4096))
        change(server)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while part := reader.recv(1 << 20):
            received += part
    assert bytes(received).partition(b"\r\n\r\n")[2] == server.audio
