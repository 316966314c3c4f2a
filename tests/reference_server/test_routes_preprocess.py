"""The routes that make chunks ahead: with progress, failures one by one, an end on demand, a look beforehand."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient

from reference_server.document import Document
from reference_server.documents import Documents
from reference_server.job import Job
from reference_server.open_documents import OpenDocuments
from reference_server.outline import Block, Outline
from reference_server.progress import Failure, Progress

PREPROCESS = "/api/tts/preprocess"
STATUS = f"{PREPROCESS}/status?documentId=doc"
CHUNK = "/api/tts/chunk?documentId=doc&page=1&blockIndex=0"


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    made: list[Block]
    failing: set[int]
    gate: asyncio.Event | None


@pytest.fixture
def reader(client: TestClient, three_pages: bytes) -> TestClient:
    """A client of a server that has the document of three pages, with 2, 1 and 2 blocks."""
    client.put("/api/documents/doc", content=three_pages)
    return client


def _stream(client: TestClient, **fields: object) -> list[tuple[str, dict[str, Any]]]:
    """Preprocess, and return the events to the end: each one's name and what it carries."""
    body = {"documentId": "doc", **fields}
    answer = client.post(PREPROCESS, json=body, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events, name = [], ""
    for line in answer.text.splitlines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            events.append((name, json.loads(line[6:])))
            name = ""
    return events


def _events(client: TestClient, **fields: object) -> list[dict[str, Any]]:
    return [event for name, event in _stream(client, **fields) if not name]


def test_progress_comes_as_events_to_the_end(reader: TestClient) -> None:
    """The first event is there before anything is made, the last says that all is done."""
    events = _events(reader)
    blocks, pages = {"done": 0, "total": 5, "failed": 0}, {"pagesDone": 0, "pagesTotal": 3}
    assert events[0] == {"documentId": "doc", "state": "running", **blocks, **pages}
    assert events[-1] == {**events[0], "state": "done", "done": 5, "pagesDone": 3, "failures": []}


def test_progress_can_be_polled(reader: TestClient, maker: Maker) -> None:
    """A client that asks for JSON has 202 at once, and finds the job under way, then its result."""
    maker.gate = asyncio.Event()
    answer = reader.post(PREPROCESS, json={"documentId": "doc", "pages": [1]})
    assert (answer.status_code, answer.json()["state"], answer.json()["total"]) == (202, "running", 2)
    assert reader.get(STATUS).json()["state"] == "running"
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _events(reader, pages=[1])[-1]["done"] == 2
    status = reader.get(STATUS).json()
    assert (status["state"], status["done"], status["total"], status["pages"]) == ("partial", 2, 5, [1])
    assert "pagesDone" not in status
    assert status["stored"] == {"voice": "alloy", "speed": 1.0, "model": "tts-1"}


@pytest.mark.parametrize(
    ("fields", "ordinals"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"pages": "all"}, [1, 2, 3, 4, 5]),
        ({"pages": [3, 2, 3]}, [3, 4, 5]),
        ({"pages": "current+next", "page": 2}, [3, 4, 5]),
        ({"pages": "current+next", "page": 3}, [4, 5]),
    ],
)
def test_the_pages_asked_for_are_made(
    reader: TestClient, maker: Maker, fields: dict[str, object], ordinals: list[int]
) -> None:
    """All pages, the pages given, or the current one and the next where there is one."""
    assert _events(reader, **fields)[-1]["state"] == "done"
    assert sorted(block.ordinal for block in maker.made) == ordinals


def test_failed_chunks_are_reported_and_the_rest_is_there(reader: TestClient, maker: Maker) -> None:
    """The last event and the status both tell of the block that failed."""
    maker.failing = {2}
    last = _events(reader)[-1]
    assert (last["state"], last["done"], last["failed"]) == ("failed", 4, 1)
    assert last["message"].startswith("Page 1, block 1:")
    status = reader.get(STATUS).json()
    assert (status["state"], status["failed"], status["pages"]) == ("partial", 1, [2, 3])
    assert status["message"] == last["message"]
    assert reader.get(CHUNK).status_code == 200
    assert reader.get("/api/tts/chunk?documentId=doc&page=1&blockIndex=1").json()["code"] == "NO_CHUNK"


@pytest.mark.parametrize(("replaced", "status"), [(True, 409), (False, 404)])
def test_no_job_begins_for_a_document_that_went_meanwhile(
    reader: TestClient,
    maker: Maker,
    monkeypatch: pytest.MonkeyPatch,
    pdf: Callable[..., bytes],
    replaced: bool,  # noqa: FBT001
    status: int,
) -> None:
    """A document that is removed or replaced while its blocks are looked up is refused, and nothing made."""
    original = Documents.outline

    def outline(documents: Documents, document: Document) -> Outline:
        found = original(documents, document)
        monkeypatch.setattr(Documents, "outline", original)
        if replaced:
            asyncio.run(documents.put("doc", _parts(pdf(["Another text."]))))
        else:
            documents.delete("doc")
        return found

    monkeypatch.setattr(Documents, "outline", outline)
    assert reader.post(PREPROCESS, json={"documentId": "doc"}).status_code == status
    assert maker.made == []


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


def test_a_cache_without_its_document_can_be_removed(reader: TestClient) -> None:
    """What a kill between the two removals left can still be asked away; an id is checked all the same."""
    _events(reader)
    app: Any = reader.app
    app.state.documents.delete("doc")
    assert reader.delete(f"{PREPROCESS}?documentId=doc").json() == {"documentId": "doc", "deleted": True}
    assert reader.delete(f"{PREPROCESS}?documentId=..").json()["code"] == "BAD_ID"


def test_a_change_of_settings_is_stale_until_it_is_made_anew(reader: TestClient, maker: Maker) -> None:
    """Status tells a reader with another voice that the stored one differs; preprocess then replaces all."""
    assert reader.get(STATUS).json()["state"] == "missing"
    _events(reader)
    assert reader.get(STATUS).json()["state"] == "complete"
    assert reader.get(f"{STATUS}&voice=alloy&speed=1.0").json()["state"] == "complete"
    status = reader.get(f"{STATUS}&voice=nova").json()
    assert (status["state"], status["done"], status["stored"]["voice"]) == ("stale", 0, "alloy")
    _events(reader, voice="nova")
    assert reader.get(f"{STATUS}&voice=nova").json()["state"] == "complete"
    assert len(maker.made) == 10


def test_deleting_the_cache(reader: TestClient, maker: Maker) -> None:
    """The chunks go, also while they are being made; a second removal finds nothing and is no error."""
    _events(reader)
    answer = reader.delete(f"{PREPROCESS}?documentId=doc")
    assert answer.json() == {"documentId": "doc", "deleted": True}
    assert reader.get(STATUS).json()["state"] == "missing"
    assert reader.delete(f"{PREPROCESS}?documentId=doc").json()["deleted"] is False
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc"})
    assert reader.delete(f"{PREPROCESS}?documentId=doc").status_code == 200
    assert reader.get(STATUS).json()["state"] == "missing"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b"\xff", 400, "BAD_REQUEST"),
        (b"[" * 100_000, 400, "BAD_REQUEST"),
        (b"{}", 400, "MISSING_PARAMETERS"),
        (b'{"documentId": 1}', 400, "BAD_REQUEST"),
        (b'{"documentId": "a/b"}', 400, "BAD_ID"),
        (b'{"documentId": "unknown"}', 404, "NO_DOCUMENT"),
        (b'{"documentId": "doc", "speed": 5}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": NaN}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": "1"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": true}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": 1' + b"0" * 400 + b"}", 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": ""}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": null}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": "\\ud800"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "model": "\\udfff"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": []}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": "some"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [1.5]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [true]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [[]]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [0]}', 404, "NO_PAGE"),
        (b'{"documentId": "doc", "pages": [1, 4]}', 404, "NO_PAGE"),
        (b'{"documentId": "doc", "pages": "current+next"}', 400, "MISSING_PARAMETERS"),
        (b'{"documentId": "doc", "pages": "current+next", "page": 4}', 404, "NO_PAGE"),
        (b'{"x": "' + b"a" * 1024 * 1024 + b'"}', 413, "TOO_LARGE"),
    ],
)
def test_a_bad_body_is_refused_and_starts_nothing(
    reader: TestClient, maker: Maker, body: bytes, status: int, code: str
) -> None:
    """Wrong JSON, types, ranges and sizes are refused with a code, before anything is made."""
    answer = reader.post(PREPROCESS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "\n" not in answer.json()["message"]
    assert maker.made == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pages": []}, "pages: an array or object is not a list of at least one page number,"),
        ({"pages": "current+next"}, "Missing required parameters: page."),
        ({"voice": None}, "voice: null is not a text"),
    ],
)
def test_a_refusal_says_what_was_wrong(reader: TestClient, fields: dict[str, Any], message: str) -> None:
    """GIVEN no page or a null WHEN it is refused THEN nobody reads of a 'None' that was not sent."""
    answer = reader.post(PREPROCESS, json={"documentId": "doc", **fields})
    assert answer.json()["message"].startswith(message)


def test_each_failed_block_is_an_event_of_its_own(reader: TestClient, maker: Maker) -> None:
    """`failed` events name the blocks; the last progress carries them all, those before it none."""
    maker.failing = {2, 4}
    stream = _stream(reader)
    failures = [event for name, event in stream if name == "failed"]
    message = "The speech service said no."
    expected = [
        {"page": 1, "blockIndex": 1, "message": message},
        {"page": 3, "blockIndex": 0, "message": message},
    ]
    assert sorted(failures, key=lambda failure: failure["page"]) == expected
    progress = [event for name, event in stream if not name]
    assert all("failures" not in event for event in progress[:-1])
    assert progress[-1]["failures"] == failures
    assert stream[-1][0] == ""
    assert reader.get(STATUS).json()["failures"] == failures


def test_a_job_is_cancelled_and_keeps_what_it_made(reader: TestClient, maker: Maker) -> None:
    """GIVEN a made page and a job for the rest WHEN it is cancelled THEN the page stays, and it can go on."""
    _events(reader, pages=[1])
    maker.gate = asyncio.Event()
    assert reader.post(PREPROCESS, json={"documentId": "doc"}).status_code == 202
    answer = reader.post(f"{PREPROCESS}/cancel", json={"documentId": "doc"})
    assert (answer.status_code, answer.json()) == (200, {"documentId": "doc", "cancelled": True})
    status = reader.get(STATUS).json()
    assert (status["state"], status["done"], status["failed"]) == ("partial", 2, 0)
    assert status["message"].startswith("The job was cancelled.")
    again = reader.post(f"{PREPROCESS}/cancel", json={"documentId": "doc"})
    assert again.json() == {"documentId": "doc", "cancelled": False}
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _events(reader)[-1]["state"] == "done"
    reader.post(f"{PREPROCESS}/cancel", json={"documentId": "doc"})
    assert reader.delete(f"{PREPROCESS}?documentId=doc").json()["deleted"] is True


def test_those_who_follow_a_cancelled_job_get_its_end(
    reader: TestClient, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream's last event says `cancelled`, and the stream ends."""
    maker.gate = asyncio.Event()
    first = Job.follow

    async def follow_and_cancel(job: Job) -> AsyncIterator[Progress | Failure]:
        async for news in first(job):
            yield news
            if isinstance(news, Progress) and news.state == "running":
                app: Any = reader.app
                assert await app.state.jobs.cancel("doc")

    monkeypatch.setattr(Job, "follow", follow_and_cancel)
    assert [event["state"] for event in _events(reader)] == ["running", "cancelled"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"[]", "BAD_REQUEST"), (b"{}", "MISSING_PARAMETERS"), (b'{"documentId": ".."}', "BAD_ID")],
)
def test_a_cancellation_names_a_document(reader: TestClient, body: bytes, code: str) -> None:
    """Anything else is refused as in every other route."""
    answer = reader.post(f"{PREPROCESS}/cancel", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_status_of_a_running_job_tells_both_what_is_there_and_how_far_it_is(
    reader: TestClient, maker: Maker
) -> None:
    """`done` and `total` are the job's, the pages are the store's."""
    _events(reader, pages=[2])
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc", "pages": [1, 2]})
    deadline_s = time.monotonic() + 20
    while (status := reader.get(STATUS).json()).get("pagesDone") == 0 and time.monotonic() < deadline_s:
        time.sleep(0.01)  # the job has yet to come across the page that is there
    assert (status["state"], status["total"], status["pages"]) == ("running", 3, [2])
    assert (status["pagesDone"], status["pagesTotal"]) == (1, 2)
    assert (status["failed"], status["failures"], status["partialPages"]) == (0, [], [])
    assert status["stored"]["voice"] == "alloy"


def test_the_status_shows_what_is_stale_and_why(reader: TestClient, pdf: Callable[..., bytes]) -> None:
    """Another voice, another speed and another text are told apart, with both sides of each."""
    _events(reader, pages=[1], voice="nova")
    _events(reader, pages=[2], voice="echo", speed=2)
    status = reader.get(f"{STATUS}&voice=nova&speed=1").json()
    assert (status["state"], status["done"], status["pages"]) == ("stale", 2, [1])
    assert status["stale"] == {
        "settings": [
            {"name": "voice", "stored": "echo", "wanted": "nova"},
            {"name": "speed", "stored": 2.0, "wanted": 1.0},
        ],
        "texts": {"count": 0, "examples": []},
        "blocks": 1,
    }
    assert "stale" not in reader.get(STATUS).json()
    reader.put("/api/documents/doc", content=pdf(["Another text."]))
    stale = reader.get(STATUS).json()["stale"]
    assert (stale["settings"], stale["blocks"], stale["texts"]["count"]) == ([], 1, 1)
    (example,) = stale["texts"]["examples"]
    assert (example["page"], example["blockIndex"], example["wanted"]) == (1, 0, "Another text.")
    assert example["stored"].startswith("Here is a sentence")
    assert len(example["stored"]) == 200


def test_an_estimate_is_assumed_before_anything_was_made(reader: TestClient, maker: Maker) -> None:
    """It counts the missing blocks and makes none; without a measurement it says so."""
    answer = reader.post(f"{PREPROCESS}/estimate", json={"documentId": "doc", "pages": [1, 2]})
    told = answer.json()
    assert answer.status_code == 200
    assert (told["documentId"], told["blocks"], told["missing"], told["basis"]) == ("doc", 3, 3, "assumed")
    assert told["seconds"] == 3.5
    assert told["bytes"] > 500_000
    assert (told["storeBytes"], told["storeMaxBytes"]) == (0, 5_000_000_000)
    assert maker.made == []


def test_an_estimate_is_measured_after_chunks_were_made(reader: TestClient, mp3: bytes) -> None:
    """The missing bytes follow the stored ones, the store's bytes are there, and nothing missing costs nothing."""
    _events(reader, pages=[1])
    told = reader.post(f"{PREPROCESS}/estimate", json={"documentId": "doc"}).json()
    assert (told["blocks"], told["missing"], told["basis"]) == (5, 3, "measured")
    characters = {
        page["page"]: page["characters"] for page in reader.get("/api/documents/doc/pages").json()["pages"]
    }
    expected = 2 * len(mp3) / characters[1] * (characters[2] + characters[3])
    assert told["bytes"] == pytest.approx(expected, abs=1)
    assert told["storeBytes"] > 2 * len(mp3)
    other = reader.post(f"{PREPROCESS}/estimate", json={"documentId": "doc", "voice": "nova"}).json()
    assert other["missing"] == 5
    done = reader.post(f"{PREPROCESS}/estimate", json={"documentId": "doc", "pages": [1]}).json()
    assert (done["missing"], done["bytes"], done["seconds"]) == (0, 0, 0)


def test_two_callers_share_a_job_and_other_settings_wait(reader: TestClient, maker: Maker) -> None:
    """A second ask widens the first; one with another voice is 409 until the first has ended."""
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc", "pages": [1]})
    assert reader.post(PREPROCESS, json={"documentId": "doc", "pages": [2]}).json()["total"] == 3
    refused = reader.post(PREPROCESS, json={"documentId": "doc", "voice": "nova"})
    assert (refused.status_code, refused.json()["code"]) == (409, "JOB_RUNNING")
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _events(reader)[-1]["state"] == "done"
    assert sorted(block.ordinal for block in maker.made) == [1, 2, 3, 4, 5]


def test_too_many_jobs_are_refused_with_a_time(
    reader: TestClient, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN as many jobs as there may be WHEN another document is asked for THEN 503 with Retry-After."""
    monkeypatch.setattr("reference_server.preprocess.MOST_JOBS", 0)
    answer = reader.post(PREPROCESS, json={"documentId": "doc"})
    assert (answer.status_code, answer.json()["code"]) == (503, "OVERLOADED")
    assert answer.headers["retry-after"] == "30"
    assert maker.made == []


@pytest.mark.parametrize("route", ["estimate", "preprocess"])
def test_who_asks_for_a_documents_chunks_keeps_it_open(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    """A known document is opened for a while by each of these routes, an unknown one never."""
    app: Any = reader.app
    monkeypatch.setattr(app.state, "open_documents", OpenDocuments(60))
    path = PREPROCESS if route == "preprocess" else f"{PREPROCESS}/estimate"
    assert reader.post(path, json={"documentId": "unknown"}).status_code == 404
    assert not app.state.open_documents.is_open("unknown")
    assert reader.post(path, json={"documentId": "doc"}).status_code in (200, 202)
    assert app.state.open_documents.is_open("doc")


def test_who_looks_at_a_documents_status_does_not_hold_it_open(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a library that asks for the status of every document THEN the store may still take the oldest."""
    app: Any = reader.app
    monkeypatch.setattr(app.state, "open_documents", OpenDocuments(60))
    assert reader.get(f"{PREPROCESS}/status?documentId=doc").status_code == 200
    assert not app.state.open_documents.is_open("doc")
