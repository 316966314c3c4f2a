"""The document routes of a server: an upload, the pages' blocks, and whether there are such routes at all."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from loadtests.asking import WORK_S, Host, WrongUseError, member, message_of, object_of, refusal
from loadtests.broken_connections import BrokenOffError, PrepareError
from loadtests.chapters import Block

_NO_SUCH_ROUTE = frozenset({404, 405, 501})
_REFUSED_FOR_ITSELF = frozenset({413, 415, 422})
_TYPES = {
    ".pdf": "application/pdf",
    ".epub": "application/epub+zip",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}


@dataclass(frozen=True)
class Stored:
    """A document as the server has it: its pages, and the hex SHA-256 of its bytes."""

    pages: int
    sha256: str


def upload(host: Host, document: Path, document_id: str) -> Stored | None:
    """Uploads a document, streamed from disk; returns None where the server has no document routes.

    Raises:
        WrongUseError: the server cannot read the document.
        PrepareError: it does not answer, or not as a document reader does.
        OSError: the file cannot be read.
    """
    path = f"/api/documents/{quote(document_id, safe='')}"
    try:
        with document.open("rb") as file:
            answer = host.ask("PUT", path, silence_s=WORK_S, data=file, headers=_type_of(document))
    except BrokenOffError:
        # A server without the route may answer and close while we still send, and its answer is lost.
        if host.ask("PUT", path, data=b"").status_code not in _NO_SUCH_ROUTE:
            raise
        return None
    if answer.status_code in _NO_SUCH_ROUTE:
        return None
    if answer.status_code in _REFUSED_FOR_ITSELF:
        raise WrongUseError(f"{document}: {message_of(answer)} ({answer.status_code} from {host.url})")
    fields, where = object_of(answer), f"PUT {answer.url}"
    return Stored(member(fields, "pages", int, where), member(fields, "sha256", str, where))


def page_blocks(host: Host, document_id: str, page: int) -> list[Block]:
    """Returns the blocks of one page.

    Raises:
        PrepareError: the server does not answer, or not as a document reader does.
    """
    path = f"/api/documents/{quote(document_id, safe='')}/pages/{page}/blocks"
    where = f"GET {host.url}{path}"
    blocks = member(host.ask_object("GET", path), "blocks", list, where)
    try:
        return [Block.from_json(page, block) for block in blocks]
    except (KeyError, TypeError, ValueError) as error:
        raise PrepareError(
            f"{where}: a block lacks its blockIndex, text or textHash. Is this a document reader?"
        ) from error


def require_live_contract(host: Host) -> None:
    """Returns when the server takes speech requests: one without a text costs nothing, and is refused as such.

    Raises:
        PrepareError: it does not.
    """
    path = "/api/tts"
    answer = host.ask("POST", path, json={})
    if answer.status_code in _NO_SUCH_ROUTE:
        raise PrepareError(
            f"{host.url}: has neither /api/documents nor /api/tts ({answer.status_code}). Is this a document reader?"
        )
    if answer.status_code >= 500:
        raise refusal(answer)
    if answer.status_code != 400 or not _has_code(answer):
        raise PrepareError(
            f"POST {host.url}{path}: {answer.status_code} for an empty request, and not 400 with a code. "
            "Is this a document reader?"
        )


def _has_code(answer: requests.Response) -> bool:
    try:
        value = answer.json()
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "code" in value


def _type_of(document: Path) -> dict[str, str]:
    return {"Content-Type": _TYPES.get(document.suffix.lower(), "application/octet-stream")}
