"""The peer in Starlette."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from benchmarks.suite.file_response_app import create_app

PATH = "/api/tts/chunk?page=1&blockIndex=0&voice=alloy"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The application on one chunk of four bytes."""
    (tmp_path / "chunk").mkdir()
    (tmp_path / "chunk" / "1-0").write_bytes(b"1234")
    monkeypatch.setenv("FILES", str(tmp_path))
    return TestClient(create_app())


def test_it_sends_a_chunk_a_part_or_that_it_is_the_same(client: TestClient) -> None:
    """GIVEN a chunk WHEN it is asked for THEN it comes whole, in part, or not at all, as ours does."""
    whole = client.get(PATH)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, b"1234", "audio/mpeg")
    part = client.get(PATH, headers={"Range": "bytes=1-"})
    assert (part.status_code, part.content) == (206, b"234")
    same = client.get(PATH, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    other = client.get(PATH, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.content) == (200, b"1234")


def test_it_says_that_it_is_there(client: TestClient) -> None:
    """GIVEN the application THEN it is healthy as ours is."""
    assert client.get("/api/health").json() == {"ok": True}
