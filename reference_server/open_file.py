"""A file on the wire that was opened before the answer began."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import BinaryIO

from starlette.responses import FileResponse, MalformedRangeHeader
from starlette.types import Receive, Scope, Send


class OpenFileResponse(FileResponse):
    """Streams an open file, with ranges: removed or replaced meanwhile, it is still sent whole.

    A `FileResponse` opens its path only after the headers are out, when nothing can be refused any more.
    """

    def __init__(self, file: BinaryIO, *, media_type: str, headers: Mapping[str, str]) -> None:
        self._file = file
        # Linux opens the very file again under this name, also when it has no other any more.
        path, stat = f"/proc/self/fd/{file.fileno()}", os.fstat(file.fileno())
        super().__init__(path, headers=headers, media_type=media_type, stat_result=stat)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it whatever happens."""
        with self._file:
            await super().__call__(scope, receive, send)

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        """Ask for the whole where a range is in another unit or nonsense (RFC 9110, 14.2): Starlette refuses."""
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
