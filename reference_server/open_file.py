"""A file on the wire that was opened before the answer began."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable
from starlette.types import Receive, Scope, Send

from reference_server.zero_copy import BODY_FOLLOWS, ZERO_COPY, can_send_files


class OpenFileResponse(FileResponse):
    """Sends an open file, with ranges: removed or replaced meanwhile, it is still sent whole.

    A `FileResponse` opens its path only after the headers are out, when nothing can be refused any more, and
    reads the file in threads; here the kernel sends it where the server lets it.
    """

    def __init__(self, file: BinaryIO, *, media_type: str, headers: Mapping[str, str]) -> None:
        self._file = file
        # Linux opens the very file again under this name, also when it has no other any more.
        path, self._stat = f"/proc/self/fd/{file.fileno()}", os.fstat(file.fileno())
        super().__init__(path, headers=headers, media_type=media_type, stat_result=self._stat)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it whatever happens."""
        with self._file:
            part = self._part(scope) if can_send_files(scope) and scope["method"] == "GET" else None
            if part is None:
                await super().__call__(scope, receive, send)
            else:
                await self._send_part(*part, send)

    def _part(self, scope: Scope) -> tuple[int, int, int] | None:
        """Return status, start and end of what is asked for; None where that is no answer of one part."""
        asked, size = Headers(scope=scope), self._stat.st_size
        condition = asked.get("if-range")
        if "range" not in asked or (condition is not None and not self._should_use_range(condition)):
            return 200, 0, size
        try:
            parts = self._parse_range_header(asked["range"], size)
        except RangeNotSatisfiable:
            return None
        if len(parts) > 1:
            return None
        return (206, *parts[0]) if parts else (200, 0, size)

    async def _send_part(self, status: int, start: int, end: int, send: Send) -> None:
        if status == 206:
            self.headers["content-range"] = f"bytes {start}-{end - 1}/{self._stat.st_size}"
            self.headers["content-length"] = str(end - start)
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": status, "headers": headers, BODY_FOLLOWS: True})
        await send({"type": ZERO_COPY, "file": self._file, "offset": start, "count": end - start})

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        """Ask for the whole where a range is in another unit or nonsense (RFC 9110, 14.2): Starlette refuses."""
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []
