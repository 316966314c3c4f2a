"""Requests drawn from the server's own description: what it says, it does, and it touches no file elsewhere.

FUZZ_REQUESTS is the number of requests a route, 200 unless given. Upstream and aligner are stand-ins: chunks
come from the fake maker, live speech is one tone or a failure by its text, live timing always fails.
"""

import json
import os
from typing import Any, Protocol

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from reference_server.openapi import openapi_document
from reference_server.page_files import FOLDER

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "200"))
DOCUMENT = "doc"
PAGE_FILE = min(path.name for path in FOLDER.iterdir() if path.suffix == ".js")
CLEARS = "POST /api/tts/preprocess/clear"
DESTROYS = {"PUT /api/documents/{id}", "DELETE /api/documents/{id}", "DELETE /api/tts/preprocess"}
ENDLESS = {"GET /api/events"}
"""As a stream; without asking for one it is answered once."""
ABOUT_UPSTREAM = {502, 503, 504, 507}
FAILED_UPSTREAM = {"TTS_GENERATION_FAILED", "WHISPER_ALIGNMENT_FAILED"}
SCHEMA = schemathesis.openapi.from_dict(openapi_document(password=False))
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok)]

AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]

pytestmark = pytest.mark.slow


class Server(Protocol):
    """What is used here of the server of conftest."""

    url: str
    session: requests.Session

    def prepare(self) -> None:
        """Upload the document where it is gone, and make two of its pages."""

    def strays(self) -> list[str]:
        """Return what was opened or changed elsewhere than in the docstore."""


def _requests_of(operation: AnyOperation) -> st.SearchStrategy[AnyCase]:
    """Draw requests that fit the description, also about our document, and ones that do not fit."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    drawn = [fitting, fitting.map(_about_ours)]
    if operation.label in DESTROYS:  # our document has to come back each time
        drawn += [fitting] * 4
    try:
        return st.one_of(*drawn, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    except Unsatisfiable:
        return st.one_of(*drawn)


def _about_ours(case: AnyCase) -> AnyCase:
    if "id" in case.path_parameters:
        case.path_parameters["id"] = DOCUMENT
    if "file" in case.path_parameters:
        case.path_parameters["file"] = PAGE_FILE
    if "documentId" in case.query:
        case.query["documentId"] = DOCUMENT
        for name in ("voice", "speed", "model", "textHash"):
            case.query.pop(name, None)
    if isinstance(case.body, dict) and "documentId" in case.body:
        case.body["documentId"] = DOCUMENT
        case.body.update({"pages": [1]} if isinstance(case.body.get("pages"), list) else {})
    for name, most in (("page", 4), ("blockIndex", 3)):
        for place in (case.path_parameters, case.query):
            if isinstance(place.get(name), int):
                place[name] %= most
    return case


def _check(case: AnyCase, response: Response) -> None:
    told = (case.operation.label, response.status_code, response.content[:300])
    if response.status_code >= 500 and response.status_code not in ABOUT_UPSTREAM:
        assert json.loads(response.content)["code"] in FAILED_UPSTREAM, told
    for header in ("x-content-type-options", "content-security-policy"):
        assert response.headers.get(header), told
    case.validate_response(
        response,
        checks=[
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_headers_conformance,
            checks.response_schema_conformance,
        ],
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_as_described(server: Server, operation: AnyOperation) -> None:
    """GIVEN requests good and bad WHEN they are answered THEN status, type, headers and body are described."""
    seen: dict[int, int] = {}
    accepts = ["*/*"] if operation.label in ENDLESS else ["*/*", "text/event-stream"]

    @hypothesis.settings(
        max_examples=REQUESTS,
        database=None,
        deadline=None,
        derandomize="FUZZ_REQUESTS" not in os.environ,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=_requests_of(operation), accept=st.sampled_from(accepts))
    def ask(case: AnyCase, accept: str) -> None:
        headers = {"Accept": accept}
        response = case.call(base_url=server.url, session=server.session, headers=headers, timeout=60)
        seen[response.status_code] = seen.get(response.status_code, 0) + 1
        _check(case, response)
        if operation.label in DESTROYS and DOCUMENT in str((case.path_parameters, case.query)):
            server.prepare()

    ask()
    if operation.label == CLEARS:
        server.prepare()
    print(f"{operation.label}: {sum(seen.values())} requests, {dict(sorted(seen.items()))}")
    assert server.strays() == []
