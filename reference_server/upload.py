"""An upload on its way to disk: nothing of it is kept in memory, and it is hashed where it is written."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from reference_server.fields import too_large
from reference_server.threads import run_to_end


@dataclass(frozen=True)
class Upload:
    """A file as it came: its hex SHA-256 and its size."""

    sha256: str
    size_bytes: int


async def receive(body: AsyncIterator[bytes], path: Path, max_bytes: int) -> Upload:
    """Write a body to a new file, each part as it comes, and return what it was.

    Raises:
        ApiError: 413 `TOO_LARGE` as soon as it has more than `max_bytes`.
        OSError: the disk is full or broken.
    """
    digest, size_bytes = hashlib.sha256(), 0
    file = await run_to_end(path.open, "xb", buffering=0)

    def take(part: bytes) -> None:
        digest.update(part)
        rest = memoryview(part)
        while rest:
            rest = rest[file.write(rest) :]  # without a buffer a write may take less than all

    with file:
        async for part in body:
            size_bytes += len(part)
            if size_bytes > max_bytes:
                raise too_large(max_bytes)
            if part:
                await run_to_end(take, part)
    return Upload(digest.hexdigest(), size_bytes)
