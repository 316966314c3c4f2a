"""``python -m loadtests.prepare``: uploads a document, chooses chapters, makes their speech ready.

Writes chapters.json, which every reader of the run shares.

Exit codes: 0 ready, 1 the server or the upstream did not do its part, 2 wrong use.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from loadtests.chapters import Block, Chapters, ChaptersError, Voice, choose_chapters

CONNECT_S = 10
ANSWER_S = 900
PROGRESS_EVERY_S = 2.0
FAILURES_SHOWN = 3


class PrepareError(Exception):
    """A server refused or failed; the text is one line for the user."""


class DocumentRefusedError(PrepareError):
    """The server cannot read the document: another file is the way out."""


class Progress:
    """Lines such as ``pre-generated 40/160`` on stderr, at most one every two seconds, always the last."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said_t = 0.0

    def say(self, done: int, total: int) -> None:
        """Says how far it is."""
        now = time.monotonic()
        if done >= total or now - self._said_t >= PROGRESS_EVERY_S:
            self._said_t = now
            say(f"{self._what} {done}/{total}")


def say(line: str) -> None:
    """Writes one line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def call(session: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
    """Sends one request.

    Raises:
        PrepareError: no answer. Statuses are left to the caller.
    """
    try:
        return session.request(method, url, timeout=(CONNECT_S, ANSWER_S), **more)
    except requests.RequestException as error:
        reason = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        raise PrepareError(
            f"{url}: {reason} ({type(error).__name__}). Is the server running there?"
        ) from error


def answer_json(response: requests.Response) -> dict[str, Any]:
    """Returns the JSON object of an answer of 2xx.

    Raises:
        PrepareError: any other status, or no JSON object.
    """
    if not response.ok:
        text = one_line(response.text)[:200]
        raise PrepareError(f"{response.request.method} {response.url}: {response.status_code} {text}")
    try:
        value = response.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise PrepareError(f"{response.url}: the answer is no JSON object. Is this a document reader?")
    return value


def upload(session: requests.Session, host: str, document: Path, document_id: str) -> dict[str, Any]:
    """Uploads the document, streamed from disk; returns its id, pages and SHA-256."""
    url = f"{host}/api/documents/{quote(document_id, safe='')}"
    with document.open("rb") as file:
        answer = call(session, "PUT", url, data=file, headers={"Content-Type": "application/pdf"})
    if answer.status_code in (413, 415, 422):
        message = answer.json().get("message", answer.reason)
        raise DocumentRefusedError(f"{document}: {message}")
    return answer_json(answer)


def page_blocks(session: requests.Session, host: str, document_id: str, page: int) -> list[Block]:
    """Returns the blocks of one page."""
    url = f"{host}/api/documents/{quote(document_id, safe='')}/pages/{page}/blocks"
    return [Block.from_json(page, block) for block in answer_json(call(session, "GET", url))["blocks"]]


def prepare_upstream(session: requests.Session, upstream: str, chapters: Chapters) -> None:
    """Has the upstream synthesise all blocks now, so that its latency later is the latency drawn."""
    total = sum(len(chapter) for chapter in chapters.chapters)
    done, progress = 0, Progress("synthesised")
    for chapter in chapters.chapters:
        body = {
            "voice": chapters.voices[0].name,
            "speed": chapters.voices[0].speed,
            "inputs": [block.text for block in chapter],
        }
        response = call(session, "POST", f"{upstream}/prepare", json=body)
        answer_json(response)
        done += len(chapter)
        progress.say(done, total)


def job_events(response: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the name and the JSON of each server-sent event as it arrives; progress has no name.

    An event is one line of data, its name before it. Empty lines say nothing here: read byte by byte, a line
    that ends with CR and LF is followed by one.
    """
    name = ""
    for line in response.iter_lines(chunk_size=1):
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.strip().decode()
        elif field == b"data":
            yield name, json.loads(value)
            name = ""


def failed_block(event: dict[str, Any]) -> str:
    """Returns one failed block as the error line shows it."""
    return f"page {event.get('page')}, block {event.get('blockIndex')}: {event.get('message')}"


def one_line(text: str) -> str:
    """Returns a text that a server may have written, as one line."""
    return " ".join(text.split())


def pregenerate(session: requests.Session, host: str, chapters: Chapters) -> None:
    """Has the server make every chunk of the chapters' pages; returns when all are there.

    Raises:
        PrepareError: the job failed, ended with failed chunks, or its progress broke off.
    """
    pages = sorted({block.page for chapter in chapters.chapters for block in chapter})
    body = {
        "documentId": chapters.document_id,
        "pages": pages,
        "voice": chapters.voices[0].name,
        "speed": chapters.voices[0].speed,
        "model": chapters.model,
    }
    url = f"{host}/api/tts/preprocess"
    response = call(session, "POST", url, json=body, headers={"Accept": "text/event-stream"}, stream=True)
    if not response.ok or "text/event-stream" not in response.headers.get("Content-Type", ""):
        answer_json(response)
        raise PrepareError(f"{url}: the answer is no event stream")
    last: dict[str, Any] = {}
    failures: list[str] = []
    progress = Progress("pre-generated")
    try:
        for name, event in job_events(response):
            if name == "failed":
                failures.append(failed_block(event))
            elif not name:
                last = event
                progress.say(int(last.get("done", 0)), int(last.get("total", 0)))
    except (requests.RequestException, ValueError) as error:
        raise PrepareError(f"{url}: progress broke off ({type(error).__name__})") from error
    if last.get("state") != "done" or last.get("failed"):
        counts = f"{last.get('done', 0)} of {last.get('total', '?')} done, {last.get('failed', '?')} failed"
        reasons = failures[:FAILURES_SHOWN] or [str(last.get("message", "no reason given"))]
        told = one_line("; ".join([counts, *reasons]))
        raise PrepareError(f"{url}: pre-generation ended as {last.get('state', 'nothing')!r}: {told}")


def prepare(arguments: argparse.Namespace) -> Chapters:
    """Does all steps.

    Raises:
        PrepareError: a server did not do its part.
        ChaptersError: the document gives no block.
        OSError: the document cannot be read, or chapters.json not written.
    """
    host = arguments.host.rstrip("/")
    upstream = arguments.upstream and arguments.upstream.rstrip("/").removesuffix("/v1")
    with requests.Session() as session:
        session.trust_env = False  # a proxy meant for the world must not stand before a server under test
        document = upload(session, host, arguments.document, arguments.document_id)
        chosen = choose_chapters(
            int(document["pages"]),
            lambda page: page_blocks(session, host, arguments.document_id, page),
            arguments.chapters,
            arguments.blocks,
        )
        chapters = Chapters(
            arguments.document_id,
            str(document["sha256"]),
            int(document["pages"]),
            (Voice(arguments.voice, arguments.speed),),
            arguments.model,
            tuple(chosen),
        )
        if upstream is not None:
            prepare_upstream(session, upstream, chapters)
        if arguments.pregenerate:
            pregenerate(session, host, chapters)
    chapters.save(arguments.out)
    return chapters


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.chapters < 1 or arguments.blocks < 1:
        say("--chapters and --blocks: use whole numbers from 1")
        return 2
    try:
        chapters = prepare(arguments)
    except DocumentRefusedError as error:
        say(str(error))
        return 2
    except (PrepareError, ChaptersError) as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.filename or arguments.document}: {error.strerror}")
        return 2
    blocks = sum(len(chapter) for chapter in chapters.chapters)
    say(f"{arguments.out}: {len(chapters.chapters)} chapters, {blocks} blocks of {chapters.pages} pages")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.prepare", description=__doc__)
    parser.add_argument("--host", required=True, help="base URL of the document reader")
    parser.add_argument("--document", required=True, type=Path, help="the PDF to read")
    parser.add_argument("--document-id", required=True)
    parser.add_argument("--upstream", help="base URL of our own speech upstream, to have the speech made now")
    parser.add_argument("--chapters", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=20, help="blocks of a chapter")
    parser.add_argument("--voice", default="alloy")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--model", default="tts-1")
    parser.add_argument("--out", type=Path, default=Path("chapters.json"))
    parser.add_argument("--pregenerate", action="store_true", help="make the chapters' chunks beforehand")
    return parser


if __name__ == "__main__":
    sys.exit(main())
