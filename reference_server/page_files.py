"""The reader page's own files: which there are, of what type, and their bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "page"

INDEX = "index.html"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}


@dataclass(frozen=True)
class PageFile:
    """A file as it is now; `etag` is that of its bytes."""

    content: bytes
    content_type: str
    etag: str


class PageFiles:
    """The files that lay in a folder when this was made: no other name ever becomes a path.

    Their bytes are read when they are asked for, so that the server holds none of them.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        found = folder.iterdir() if folder.is_dir() else ()
        self._paths = {path.name: path for path in found if path.suffix in _TYPES and path.is_file()}

    def get(self, name: str) -> PageFile | None:
        """Return a file; None where there is none of that name, or none any more. Waits for the disk."""
        path = self._paths.get(name)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        return PageFile(content, _TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()}"')
