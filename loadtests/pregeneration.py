"""Chunks that the server makes before the clock starts, and how many it has already."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import requests

from loadtests.asking import WORK_S, Host, member, object_of, one_line
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters
from loadtests.progress import Progress, Tell

_PATH = "/api/tts/preprocess"
_FAILURES_SHOWN = 3


def pregenerate(host: Host, chapters: Chapters, tell: Tell) -> None:
    """Has the server make every chunk of the chapters' pages in their first voice; returns when all are there.

    Raises:
        PrepareError: the job failed, ended with failed chunks, or its progress broke off.
    """
    voice, place = chapters.voices[0], f"POST {host.url}{_PATH}"
    body = {
        "documentId": chapters.document_id,
        "pages": sorted({block.page for chapter in chapters.chapters for block in chapter}),
        "voice": voice.name,
        "speed": voice.speed,
        "model": chapters.model,
    }
    accept = {"Accept": "text/event-stream"}
    with host.ask("POST", _PATH, silence_s=WORK_S, json=body, headers=accept, stream=True) as answer:
        if not answer.ok or "text/event-stream" not in answer.headers.get("Content-Type", ""):
            object_of(answer)
            raise PrepareError(f"{place}: the answer is no event stream. Is this a document reader?")
        last, failures = _follow(answer, Progress("pre-generated", tell), place)
    if last.get("state") != "done" or last.get("failed"):
        counts = f"{last.get('done', 0)} of {last.get('total', '?')} done, {last.get('failed', '?')} failed"
        reasons = failures[:_FAILURES_SHOWN] or [str(last.get("message", "no reason given"))]
        told = one_line("; ".join([counts, *reasons]))
        raise PrepareError(f"{place}: pre-generation ended as {last.get('state', 'nothing')!r}: {told}")


def tell_stored(host: Host, chapters: Chapters, mode: str, tell: Tell) -> None:
    """Says how many of the chapters' blocks have a chunk in their first voice, and what becomes of the others.

    Raises:
        PrepareError: the server does not answer, or not as a document reader does.
    """
    stored = _stored_blocks(host, chapters)
    total = sum(len(chapter) for chapter in chapters.chapters)
    if stored is None:
        tell(f"{mode}: {host.url}{_PATH}/status is not there: how many blocks have a chunk is not known.")
    elif stored == total:
        tell(f"{mode}: all {total} blocks of {chapters.document_id} have a chunk.")
    else:
        others = "are made ahead while reading" if mode == "hybrid" else "are read live"
        told = f"{mode}: {stored} of {total} blocks of {chapters.document_id} have a chunk"
        tell(f"{told}; the others {others}. --pregenerate makes them.")


def _stored_blocks(host: Host, chapters: Chapters) -> int | None:
    voice, where = chapters.voices[0], f"GET {host.url}{_PATH}/status"
    query = {
        "documentId": chapters.document_id,
        "voice": voice.name,
        "speed": f"{voice.speed:g}",
        "model": chapters.model,
    }
    answer = host.ask("GET", f"{_PATH}/status", params=query)
    if answer.status_code in {404, 405, 501}:
        return None
    status = object_of(answer)
    ours = Counter(block.page for chapter in chapters.chapters for block in chapter)
    stored = sum(ours[page] for page in member(status, "pages", list, where) if isinstance(page, int))
    # Which blocks of a page are there is not told: count those that must be ours.
    for page in member(status, "partialPages", list, where):
        number, done, total = (member(page, name, int, where) for name in ("page", "done", "total"))
        stored += max(0, ours[number] - (total - done))
    return stored


def _follow(answer: requests.Response, progress: Progress, place: str) -> tuple[dict[str, Any], list[str]]:
    last: dict[str, Any] = {}
    failures: list[str] = []
    try:
        for name, event in _events(answer):
            if name == "failed":
                failures.append(
                    f"page {event.get('page')}, block {event.get('blockIndex')}: {event.get('message')}"
                )
            elif not name:
                last = event
                progress.say(int(last.get("done", 0)), int(last.get("total", 0)))
    except requests.RequestException as error:
        raise PrepareError(
            f"{place}: progress broke off at {last.get('done', 0)} of {last.get('total', '?')}. "
            "Did the server end? See its log; asked again it goes on where it was."
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise PrepareError(f"{place}: an event is no progress as JSON. Is this a document reader?") from error
    return last, failures


def _events(answer: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the name and the JSON of each server-sent event as it arrives; progress has no name.

    An event is one line of data, its name before it. Empty lines say nothing here: read byte by byte, a line
    that ends with CR and LF is followed by one.
    """
    name = ""
    for line in answer.iter_lines(chunk_size=1):
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.strip().decode()
        elif field == b"data":
            yield name, json.loads(value)
            name = ""
