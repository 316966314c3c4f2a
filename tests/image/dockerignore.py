"""What of a folder a build is given, by its `.dockerignore`: the last pattern that matches a path decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class Ignored:
    """The patterns of a `.dockerignore`."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        self._rules = [
            (not line.startswith("!"), _pattern(line.removeprefix("!")))
            for line in lines
            if line and not line.startswith("#")
        ]

        self._exceptions = [line[1:].strip("/") for line in lines if line.startswith("!")]

    def whole(self, top: str) -> bool:
        """Return whether nothing of a folder at the top can be seen."""
        return self(top) and not any(f"{path}/".startswith(f"{top}/") for path in self._exceptions)

    def __call__(self, path: str) -> bool:
        """Return whether a path, relative to the folder, is left out."""
        ignored = False
        for leaves_out, pattern in self._rules:
            if pattern.match(path):
                ignored = leaves_out
        return ignored


def context(folder: Path) -> Iterator[str]:
    """Yield the files that a build from the folder can see, relative to it."""
    ignored = Ignored((folder / ".dockerignore").read_text("utf-8"))
    for top in sorted(path for path in folder.iterdir() if not ignored.whole(path.name)):
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            relative = path.relative_to(folder).as_posix()
            if path.is_file() and not ignored(relative):
                yield relative


def _pattern(text: str) -> re.Pattern[str]:
    """As Docker reads it: a folder that matches takes all that is in it along."""
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]*\])", text.strip("/"))
    whole = "".join(
        _PARTS.get(piece, piece if piece.startswith("[") else re.escape(piece)) for piece in pieces
    )
    return re.compile(rf"{whole}(?:/.*)?\Z")
