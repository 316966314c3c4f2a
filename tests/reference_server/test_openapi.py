"""The document holds what the server does: its routes, methods and codes, and it is sound in itself."""

import ast
import json
import re
from pathlib import Path

import pytest
from jsonschema_rs import validator_for
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

import reference_server
from reference_server.app import create_app
from reference_server.openapi import openapi_document
from reference_server.openapi_schemas import SCHEMAS, Schema
from reference_server.settings import Settings

METHODS = {"get", "put", "post", "delete", "head"}
ROUTES_PAGE = Path(__file__).parents[2] / "docs/reference/routes.md"
DOCUMENT = openapi_document(password=True)


def _operations(document: Schema = DOCUMENT) -> dict[tuple[str, str], Schema]:
    return {
        (path, method): item[method]
        for path, item in document["paths"].items()
        for method in METHODS & item.keys()
    }


def _codes(part: object) -> set[str]:
    """Return every error code that some part of the document names."""
    if isinstance(part, list):
        return set().union(*map(_codes, part))
    if not isinstance(part, dict):
        return set()
    own = part.get("properties", {}).get("code", {}) if isinstance(part.get("properties"), dict) else {}
    named = {*own.get("enum", []), *([own["const"]] if "const" in own else [])}
    return named.union(*map(_codes, part.values()))


def test_it_is_served(client: TestClient) -> None:
    """GIVEN a server without a password WHEN it is asked for its document THEN that asks for none either."""
    answer = client.get("/api/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == json.loads(json.dumps(openapi_document(password=False)))
    assert answer.json()["security"] == []


def test_with_a_password_everything_but_health_asks_for_it() -> None:
    """GIVEN the document of a server with a password WHEN it is read THEN only health is open."""
    assert DOCUMENT["security"] == [{"basic": []}]
    is_open = {path for (path, _), operation in _operations().items() if operation.get("security") == []}
    assert is_open == {"/api/health", "/api/health/ready"}
    assert all("401" in _operations()[key]["responses"] for key in _operations() if key[0] not in is_open)


def test_every_route_and_method_is_in_it_and_no_other(settings: Settings) -> None:
    """GIVEN the application's routes WHEN they are compared THEN they are the document's; HEAD goes with GET."""
    app: Starlette = create_app(settings)
    served = {
        (re.sub(r":\w+}", "}", route.path), method.lower())
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    gets_told_without_head = {
        (path, "head") for path, method in served if method == "get" and (path, "head") not in _operations()
    }
    assert served - gets_told_without_head == set(_operations())
    assert {path for path, method in _operations() if method == "head"} == {
        "/api/tts/chunk",
        "/api/tts/timings",
    }


def test_every_parameter_of_a_path_is_declared() -> None:
    """GIVEN a path with a name in braces WHEN the document is read THEN the parameter has a schema."""
    for path, item in DOCUMENT["paths"].items():
        declared = {
            parameter["name"] for parameter in item.get("parameters", []) if parameter["in"] == "path"
        }
        assert declared == set(re.findall(r"{(\w+)}", path)), path


def _raised() -> set[str]:
    """Return every code that the server's source gives to `ApiError`, `error_response` or `_refuse`."""
    found = set()
    for file in Path(reference_server.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and len(node.args) >= 2 and isinstance(node.args[1], ast.Constant):
                value = node.args[1].value
                if isinstance(value, str) and re.fullmatch(
                    r"[A-Z]+(_[A-Z0-9]+)+|OVERLOADED|UNAUTHORIZED", value
                ):
                    found.add(value)
    return found


def test_every_code_that_the_source_raises_is_in_it() -> None:
    """GIVEN the source WHEN a refusal's code is not in the document THEN this says which."""
    assert _raised() - _codes(DOCUMENT) == set()
    assert len(_raised()) > 25


def test_the_reference_page_names_the_same_codes() -> None:
    """GIVEN docs/reference/routes.md WHEN its codes are compared THEN none is missing and none is too many."""
    written = set(
        re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|OVERLOADED|UNAUTHORIZED)`", ROUTES_PAGE.read_text())
    )
    settings = {name.upper() for name in Settings.__dataclass_fields__} | {"TTS_CACHE_TTL_MS"}
    assert written - settings == _codes(DOCUMENT)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_sound_and_used(name: str) -> None:
    """GIVEN a schema WHEN it is compiled THEN it is valid JSON Schema, and something refers to it."""
    components = {"components": DOCUMENT["components"]}
    validator_for({**components, "$ref": f"#/components/schemas/{name}"}).is_valid({})
    assert f'"#/components/schemas/{name}"' in json.dumps(DOCUMENT)


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("SpeechRequest", {"text": "a", "voice": "b", "speed": 4}, True),
        ("SpeechRequest", {"text": "a", "voice": "b", "speed": 4.01}, False),
        ("SpeechRequest", {"text": "a" * 4097, "voice": "b", "speed": 1}, False),
        ("SpeechRequest", {"text": "a", "voice": "b", "speed": 1, "format": "wav"}, False),
        ("TimingRequest", {"text": "a", "audio": [0, 255]}, True),
        ("TimingRequest", {"text": "a", "audio": [256]}, False),
        ("TimingRequest", {"text": "a", "audio": []}, False),
        ("TimingRequest", {"text": "a", "audio": [1], "lang": "fr-fr"}, False),
        ("PreprocessRequest", {"documentId": "a", "pages": "all"}, True),
        ("PreprocessRequest", {"documentId": "a", "pages": []}, False),
        ("PreprocessRequest", {"documentId": ".a"}, False),
        ("Health", {"ok": True, "status": "healthy", "ready": True, "more": 1}, False),
    ],
)
def test_the_limits_are_the_servers(name: str, value: object, *, fits: bool) -> None:
    """GIVEN values at and beyond the limits WHEN the schema judges them THEN it judges as the server does."""
    schema = {"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{name}"}
    assert validator_for(schema).is_valid(value) is fits
