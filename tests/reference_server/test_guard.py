"""What the guard lets in, what it refuses and in which order, and what it adds to every answer."""

import asyncio
import base64
import logging
import re
from dataclasses import replace

import pytest
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from reference_server.browser_rules import SECURITY_HEADERS
from reference_server.guard import Guard
from reference_server.metrics import Metrics
from reference_server.settings import Settings

SECRET = Settings(basic_auth_user="reader", basic_auth_password="open-sesame-42")
AUTH = ("reader", "open-sesame-42")


async def _echo(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}")


async def _fail(_request: Request) -> Response:
    raise ValueError("inside")


async def _page(_request: Request) -> Response:
    return PlainTextResponse("", headers={"Content-Security-Policy": "default-src 'self'"})


PATHS = [
    "/api/health",
    "/api/health/ready",
    "/metrics",
    "/api/documents",
    "/api/documents/{id}",
    "/api/whisper",
]


def _guarded(settings: Settings, metrics: Metrics | None = None) -> Guard:
    routes = [Route(path, _echo, methods=["GET", "PUT", "POST", "DELETE"]) for path in PATHS]
    app = Starlette(routes=[*routes, Route("/fail", _fail), Route("/page", _page)])
    app.router.redirect_slashes = False
    return Guard(app, settings, metrics or Metrics())


def _client(settings: Settings, metrics: Metrics | None = None) -> TestClient:
    return TestClient(_guarded(settings, metrics), raise_server_exceptions=False)


def _code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]


def _metric(metrics: Metrics, line: str) -> float:
    found = re.search(
        rf"^{re.escape(line)} (\S+)$", generate_latest(metrics._registry).decode(), re.MULTILINE
    )
    return float(found[1]) if found else 0.0


def test_without_a_password_everyone_is_let_in() -> None:
    """The password is a choice of whoever runs the server."""
    assert _client(Settings()).get("/api/documents").status_code == 200


def test_without_the_right_password_nothing_but_health_is_served() -> None:
    """GIVEN a password WHEN somebody else asks THEN it is 401 with what a browser needs to ask for it."""
    client = _client(SECRET)
    for path in [*PATHS[2:], "/nowhere", "/"]:
        for auth in (None, ("reader", "wrong"), ("wrong", AUTH[1])):
            answer = client.get(path, auth=auth)
            assert _code(answer) == (401, "UNAUTHORIZED"), (path, auth)
            assert answer.headers["www-authenticate"] == 'Basic realm="oomproof", charset="UTF-8"'
    assert client.get("/api/documents", auth=AUTH).status_code == 200


@pytest.mark.parametrize("path", ["/api/health", "/api/health/ready"])
def test_health_is_never_behind_the_password(path: str) -> None:
    """Whoever watches the server has no password."""
    assert _client(SECRET).get(path).status_code == 200


ODD_PATHS = [
    "/api/health/../documents",
    "/api/health/..%2fdocuments",
    "/api/health/%2e%2e/documents",
    "//api/health",
    "/api//health",
    "/api/health/",
    "/api/health/ready/",
    "/api/health;/../documents",
    "/api/health%00",
    "/api/health%2f..%2fdocuments",
    "/API/HEALTH",
    "/api/health/ready/../../documents",
    "/./api/health",
    "/api/health%20",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_no_odd_spelling_slips_through(path: str) -> None:
    """GIVEN a path that only looks like health's WHEN it is asked for THEN the password is asked for."""
    assert asyncio.run(_status(SECRET, path)) == 401


def test_health_by_another_spelling_of_the_same_path_is_health() -> None:
    """The router sees the decoded path, and so does the guard: the two cannot differ."""
    assert asyncio.run(_status(SECRET, "/api%2Fhealth")) == 200


async def _status(settings: Settings, raw_path: str) -> int:
    """Ask as uvicorn would, which decodes a path once and normalises nothing."""
    from urllib.parse import unquote  # noqa: PLC0415

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"x")],
        "server": ("127.0.0.1", 8003),
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await _guarded(settings)(scope, receive, send)
    return int(sent[0]["status"])


def test_the_password_shows_in_no_log_metric_or_answer(caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN requests with the right and a wrong password WHEN all is told THEN neither is in it."""
    metrics = Metrics()
    client = _client(replace(SECRET, log_requests=True), metrics)
    with caplog.at_level(logging.DEBUG):
        told = (
            client.get("/fail", auth=AUTH).text + client.get("/nowhere", auth=("reader", "wrong-guess")).text
        )
    told += caplog.text + generate_latest(metrics._registry).decode() + repr(client.app) + repr(SECRET)
    encoded = base64.b64encode(b"reader:open-sesame-42").decode()
    for secret in ("open-sesame-42", "wrong-guess", encoded):
        assert secret not in told


def test_a_page_of_another_site_may_not_change_anything() -> None:
    """GIVEN a browser that knows the password WHEN a page elsewhere posts THEN it is 403, and reading is not."""
    client = _client(SECRET)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, "/api/documents/a", headers=elsewhere, auth=AUTH)
        assert _code(answer) == (403, "CROSS_SITE")
    assert client.get("/api/documents", headers=elsewhere, auth=AUTH).status_code == 200
    assert (
        client.post("/api/documents", headers={"Sec-Fetch-Site": "same-origin"}, auth=AUTH).status_code == 200
    )


def test_a_body_that_declares_too_much_is_refused_before_it_comes() -> None:
    """GIVEN a limit WHEN Content-Length passes it by one byte THEN it is 413, and at the limit it is served."""
    client = _client(Settings(max_document_bytes=100))
    assert client.put("/api/documents/a", content=b"x" * 100).text == "100"
    assert _code(client.put("/api/documents/a", content=b"x" * 101)) == (413, "TOO_LARGE")
    assert _code(client.post("/metrics", content=b"x" * (1024 * 1024 + 1))) == (413, "TOO_LARGE")


def test_every_answer_carries_the_security_headers() -> None:
    """Also refusals, unknown paths and failures; what an answer set itself stays."""
    client = _client(Settings(max_document_bytes=1))
    answers = [
        client.get("/api/documents"),
        client.get("/nowhere"),
        client.get("/fail"),
        client.put("/api/documents/a", content=b"xx"),
        _client(SECRET).get("/api/documents"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 500, 413, 401]
    for answer in answers:
        for name, value in SECURITY_HEADERS:
            assert answer.headers[name.decode()] == value.decode()
    assert client.get("/page").headers["content-security-policy"] == "default-src 'self'"


def test_one_request_more_than_fit_is_sent_away() -> None:
    """GIVEN as many requests in work as may be WHEN one more comes THEN it is 503, and health still answers."""

    async def work() -> None:
        entered, leave = asyncio.Semaphore(0), asyncio.Event()

        async def wait(_request: Request) -> Response:
            entered.release()
            await leave.wait()
            return PlainTextResponse("")

        routes = [Route("/wait", wait), *(Route(path, _echo) for path in PATHS)]
        guard = Guard(Starlette(routes=routes), Settings(max_requests=2), Metrics())
        waiting = [asyncio.create_task(_ask(guard, "/wait")) for _ in range(2)]
        for _ in waiting:
            await entered.acquire()
        status, headers = await _ask(guard, "/api/documents")
        assert (status, headers[b"retry-after"]) == (503, b"1")
        for path in ("/api/health", "/api/health/ready", "/metrics"):
            assert (await _ask(guard, path))[0] == 200
        leave.set()
        assert [(await task)[0] for task in waiting] == [200, 200]
        assert (await _ask(guard, "/api/documents"))[0] == 200

    asyncio.run(work())


async def _ask(guard: Guard, path: str, port: int = 8003) -> tuple[int, dict[bytes, bytes]]:
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "server": ("127.0.0.1", port),
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await guard(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def test_the_metrics_port_answers_metrics_and_health_alone_and_asks_for_no_password() -> None:
    """GIVEN a second port WHEN it is asked for anything else THEN there is nothing, and the first port is as ever."""

    async def work() -> None:
        guard = _guarded(replace(SECRET, metrics_port=9091))
        for path in ("/metrics", "/api/health", "/api/health/ready"):
            assert (await _ask(guard, path, 9091))[0] == 200
        for path in ("/api/documents", "/metrics/", "/"):
            assert (await _ask(guard, path, 9091))[0] == 404
        assert (await _ask(guard, "/metrics", 8003))[0] == 401

    asyncio.run(work())


def test_requests_are_counted_by_template_and_made_up_ones_together() -> None:
    """GIVEN requests for many ids, paths and methods WHEN they are counted THEN the labels stay few."""
    metrics = Metrics()
    client = _client(Settings(), metrics)
    for n in range(5):
        client.get(f"/api/documents/{n}")
        client.get(f"/nowhere/{n}")
        client.request(f"MADEUP{n}", "/api/documents")
    assert (
        _metric(metrics, 'reader_requests_total{method="GET",route="/api/documents/{id}",status="200"}') == 5
    )
    assert _metric(metrics, 'reader_requests_total{method="GET",route="other",status="404"}') == 5
    assert _metric(metrics, 'reader_requests_total{method="other",route="/api/documents",status="405"}') == 5
    assert _metric(metrics, 'reader_request_seconds_count{route="/api/documents/{id}"}') == 5


def test_requests_are_logged_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN LOG_REQUESTS WHEN requests end THEN each is one line with fields, and no path that a client chose."""
    with caplog.at_level(logging.INFO, logger="reference_server.guard"):
        _client(Settings()).get("/api/documents")
        assert not caplog.records
        client = _client(Settings(log_requests=True))
        client.put("/api/documents/secret%0aline", content=b"abc")
        client.head("/page")
    first, second = (vars(record) for record in caplog.records)
    wanted = {"method": "PUT", "route": "/api/documents/{id}", "status": 200, "bytes": 1}
    assert {name: first[name] for name in wanted} == wanted
    assert first["seconds"] >= 0
    assert (second["method"], second["bytes"]) == ("HEAD", 0)
    assert "secret" not in caplog.text


def test_a_client_that_left_before_its_answer_counts_as_499() -> None:
    """GIVEN an application that answers nothing WHEN it returns THEN the request is counted all the same."""

    async def silent(_scope: Scope, _receive: object, _send: object) -> None:
        return

    metrics = Metrics()
    with pytest.raises(IndexError):
        asyncio.run(_ask(Guard(silent, Settings(), metrics), "/x"))
    assert _metric(metrics, 'reader_requests_total{method="GET",route="other",status="499"}') == 1


def test_what_is_no_request_passes() -> None:
    """The application's start and end are not the guard's business."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: object, _send: object) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def ignore(_message: Message) -> None:
        return

    asyncio.run(Guard(app, SECRET, Metrics())({"type": "lifespan"}, nothing, ignore))
    assert seen == ["lifespan"]
