"""Every refusal looks alike, and none tells about the inside."""

import errno
import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from reference_server.app import create_app
from reference_server.error_answers import error_response
from reference_server.errors import ApiError
from reference_server.settings import Settings


@pytest.fixture
def app(settings: Settings) -> Starlette:
    """The real application, to which a test adds a route that fails."""
    return create_app(settings)


def _answer(app: Starlette, error: Exception) -> Response:
    def fail(_request: Request) -> Response:
        raise error

    app.router.routes.append(Route("/fail", fail))
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/fail")
    return Response(answer.content, answer.status_code, dict(answer.headers))


def _code(answer: Response) -> tuple[int, str]:
    return answer.status_code, json.loads(bytes(answer.body))["code"]


def test_an_api_error_is_its_status_code_message_and_headers(app: Starlette) -> None:
    """What a route raises is what the client sees."""
    answer = _answer(app, ApiError(503, "BUSY", "Later.", headers={"Retry-After": "1"}))
    assert answer.status_code == 503
    assert json.loads(bytes(answer.body)) == {"code": "BUSY", "message": "Later."}
    assert answer.headers["retry-after"] == "1"


def test_an_unforeseen_error_tells_nothing(app: Starlette) -> None:
    """The text of an error may hold a key or a path: the client sees neither."""
    answer = _answer(app, ValueError("sk-secret at /root"))
    assert _code(answer) == (500, "INTERNAL_ERROR")
    assert b"sk-secret" not in bytes(answer.body)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told(app: Starlette, number: int) -> None:
    """A full disk is 507, which the client can do something about."""
    assert _code(_answer(app, OSError(number, "full"))) == (507, "DISK_FULL")


def test_another_failure_of_the_system_is_unforeseen(app: Starlette) -> None:
    """A permission that is missing is the server's own trouble."""
    assert _code(_answer(app, OSError(errno.EACCES, "/srv/secret"))) == (500, "INTERNAL_ERROR")


def test_error_response_has_the_shape_of_all_errors() -> None:
    """`code` and `message`, and nothing else."""
    assert json.loads(bytes(error_response(400, "X", "Y.").body)) == {"code": "X", "message": "Y."}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/documents/doc", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/api/documents", "GET, HEAD, POST"),
        ("GET", "/api/tts/preprocess", "DELETE, POST"),
        ("POST", "/api/health", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_there_is_told_all_that_are(
    app: Starlette, method: str, path: str, allowed: str
) -> None:
    """A 405 names every method of its path, wherever it is served (RFC 9110, 15.5.6)."""
    with TestClient(app) as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {
        "code": "METHOD_NOT_ALLOWED",
        "message": f"{method} is not known here. Use {allowed}.",
    }
