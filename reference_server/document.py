"""What is known of a document without reading it: on the wire, and in the file beside its pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeVar, get_args

from reference_server.errors import ApiError
from reference_server.pages_file import DamagedError

_T = TypeVar("_T")

Kind = Literal["pdf", "epub", "text", "markdown"]

CUT_VERSION = 1
"""Which rules cut a document into pages and blocks. Raise it with any change of extraction or splitting: the
same bytes uploaded again are then cut again, and until then keep the blocks that their chunks were made of."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True)
class Cut:
    """What became of a file's text: how many pages, blocks, and characters in the blocks."""

    kind: Kind
    pages: int
    blocks: int
    characters: int


@dataclass(frozen=True)
class Document:
    """A document; `sha256` is that of the uploaded file, `name` the file's, where one was given.

    `uploaded_at` is ISO 8601 in UTC. `version` names the folder of its files, `cut_version` the rules that
    were in force when it was cut.
    """

    id: str
    name: str | None
    cut: Cut
    sha256: str
    size_bytes: int
    uploaded_at: str
    version: str
    cut_version: int = CUT_VERSION

    def to_json(self) -> dict[str, object]:
        """Return the document as the routes show it."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.cut.kind,
            "pages": self.cut.pages,
            "blocks": self.cut.blocks,
            "characters": self.cut.characters,
            "sha256": self.sha256,
            "sizeBytes": self.size_bytes,
            "uploadedAt": self.uploaded_at,
        }

    def to_file(self) -> bytes:
        """Return what document.json holds: the document as the routes show it, and what only the server needs."""
        fields = {**self.to_json(), "version": self.version, "cutVersion": self.cut_version}
        return json.dumps(fields, ensure_ascii=False).encode()

    @classmethod
    def from_file(cls, data: bytes) -> Self:
        """Read what `to_file` wrote; raises DamagedError."""
        try:
            fields = json.loads(data)
            if fields["kind"] not in get_args(Kind):
                raise DamagedError("its document.json names a kind that is not known")
            whole, text = _typed(fields, int), _typed(fields, str)
            cut = Cut(fields["kind"], whole["pages"], whole["blocks"], whole["characters"])
            return cls(
                text["id"],
                fields["name"] if fields["name"] is None else text["name"],
                cut,
                text["sha256"],
                whole["sizeBytes"],
                text["uploadedAt"],
                text["version"],
                whole["cutVersion"],
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedError("its document.json is damaged") from error


def is_id(name: str) -> bool:
    """Return whether a document can have this id; only such names ever become a path."""
    return bool(_ID.fullmatch(name))


def checked_id(document_id: str) -> str:
    """Return a document id that can be a folder's name.

    Raises:
        ApiError: 400 `BAD_ID`.
    """
    if not is_id(document_id):
        raise ApiError(
            400, "BAD_ID", "A document id is 1 to 128 letters, digits, '.', '_' or '-', the first no mark."
        )
    return document_id


def check_sha256(document_id: str, sha256: str) -> None:
    """Refuse an id that claims to be the body's SHA-256 and is not.

    Raises:
        ApiError: 422 `WRONG_SHA256`.
    """
    if _SHA256.fullmatch(document_id) and document_id != sha256:
        message = (
            f"The id has 64 hex digits and is not the body's SHA-256, {sha256}. Use that, or another id."
        )
        raise ApiError(422, "WRONG_SHA256", message)


def _typed(fields: Mapping[str, object], kind: type[_T]) -> Mapping[str, _T]:
    return {key: value for key, value in fields.items() if type(value) is kind}
