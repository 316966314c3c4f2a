"""An upload goes to disk as it comes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest

from reference_server.errors import ApiError
from reference_server.upload import Upload, receive


async def _stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_the_file_is_what_came(tmp_path: Path) -> None:
    """GIVEN parts of all sizes WHEN they are received THEN file, hash and size are those of them joined."""
    parts = (b"", b"a", bytes(100_000), b"z" * 65_536, b"")
    body = b"".join(parts)
    upload = asyncio.run(receive(_stream(*parts), tmp_path / "file", len(body)))
    assert upload == Upload(hashlib.sha256(body).hexdigest(), len(body))
    assert (tmp_path / "file").read_bytes() == body


def test_one_byte_too_many_ends_it(tmp_path: Path) -> None:
    """GIVEN a limit WHEN a part passes it THEN no further part is read, and that part is not written."""
    read: list[bytes] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(b"aaaa")
            yield read[-1]

    with pytest.raises(ApiError) as caught:
        asyncio.run(receive(endless(), tmp_path / "file", 11))
    assert (caught.value.status, caught.value.code) == (413, "TOO_LARGE")
    assert len(read) == 3
    assert (tmp_path / "file").stat().st_size == 8


def test_nothing_is_an_empty_file(tmp_path: Path) -> None:
    """GIVEN no part WHEN received THEN the file is there and empty."""
    assert asyncio.run(receive(_stream(), tmp_path / "file", 0)).size_bytes == 0
    assert (tmp_path / "file").read_bytes() == b""


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a system that writes three bytes at a time WHEN a part comes THEN all of it is written."""

    class Slow:
        def __init__(self) -> None:
            self.written = b""

        def write(self, data: memoryview) -> int:
            self.written += bytes(data[:3])
            return min(3, len(data))

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    slow = Slow()
    monkeypatch.setattr(Path, "open", lambda *_, **__: slow)
    asyncio.run(receive(_stream(b"0123456789"), tmp_path / "file", 100))
    assert slow.written == b"0123456789"
