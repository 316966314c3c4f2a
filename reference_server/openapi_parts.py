"""The pieces of an OpenAPI document: an operation with all its answers, contents, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reference_server.openapi_schemas import Schema, one_of, ref, text

Codes = Mapping[int, str]
"""The error codes of an operation by status, several divided by spaces."""

GUARD: Codes = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TOO_SLOW",
    413: "TOO_LARGE",
    431: "HEAD_TOO_LARGE",
    500: "INTERNAL_ERROR",
    503: "OVERLOADED SERVER_ENDS",
}
"""What every route can answer: what comes from before the routes, or instead of one that a path missed."""

_HEADERS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


def operation(
    summary: str,
    answers: Mapping[int, Schema],
    *codes: Codes,
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
    is_open: bool = False,
) -> Schema:
    """Return an operation: its answers, and the errors of its codes and the guard's under their statuses.

    One that `is_open` never asks for the password.
    """
    by_status: dict[int, list[str]] = {}
    for table in (GUARD, *codes):
        for status, names in table.items():
            by_status.setdefault(status, []).extend(names.split())
    if is_open:
        del by_status[401]
    refusals = {status: _refusal_or_ref(status, names) for status, names in by_status.items()}
    responses = refusals | dict(answers)
    return {
        "summary": summary,
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": {"required": True, **body}} if body else {}),
        **({"security": []} if is_open else {}),
        "responses": {str(status): responses[status] for status in sorted(responses)},
    }


def shared_refusals() -> dict[str, Schema]:
    """Return the guard's own answers by status, which most operations only refer to."""
    return {str(status): _refusal(status, names.split()) for status, names in GUARD.items()}


def _refusal_or_ref(status: int, codes: list[str]) -> Schema:
    if codes == GUARD.get(status, "").split():
        return {"$ref": f"#/components/responses/{status}"}
    return _refusal(status, codes)


def _refusal(status: int, codes: list[str]) -> Schema:
    answer = content({"application/json": error(*codes)}, ", ".join(codes))
    name = _HEADERS.get(status)
    return answer | ({"headers": {name: told(text())}} if name else {})


def error(*codes: str) -> Schema:
    """Return the schema of an error with one of these codes."""
    return {
        "type": "object",
        "properties": {"code": one_of(*codes), "message": text()},
        "required": ["code", "message"],
        "additionalProperties": False,
    }


def without_content(get: Schema) -> Schema:
    """Return the HEAD operation of a GET: the same answers, of which only the head comes."""
    bare = {
        status: {"description": "As GET, without its content."}
        | ({"headers": response["headers"]} if "headers" in response else {})
        for status, response in get["responses"].items()
    }
    return {**get, "responses": bare}


def content(schemas: Mapping[str, Schema], description: str = "It is here.") -> Schema:
    """Return a content by media type."""
    by_type = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"description": description, "content": by_type}


def json_of(name: str, description: str = "It is here.") -> Schema:
    """Return a JSON answer of this name."""
    return content({"application/json": ref(name)}, description)


def sent(name: str) -> Schema:
    """Return the JSON body of this name that must be sent."""
    return {"content": {"application/json": {"schema": ref(name)}}}


def told(schema: Schema, *, required: bool = False) -> Schema:
    """Return an answer's header."""
    return {"schema": schema, "required": required}


def query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    """Return a parameter in the query."""
    return {"in": "query", "name": name, "required": required, "schema": schema}


def in_path(name: str, schema: Schema) -> Schema:
    """Return a parameter in the path."""
    return {"in": "path", "name": name, "required": True, "schema": schema}


def header(name: str, schema: Schema | None = None) -> Schema:
    """Return an optional request header."""
    return {"in": "header", "name": name, "required": False, "schema": schema or text()}
