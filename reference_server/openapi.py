"""The server's routes as an OpenAPI 3.1 document: every method, parameter, status and shape."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.openapi_parts import (
    Codes,
    content,
    error,
    header,
    in_path,
    json_of,
    operation,
    query,
    sent,
    shared_refusals,
    told,
    without_content,
)
from reference_server.openapi_schemas import (
    ID,
    NAME,
    SCHEMAS,
    SHA256,
    SPEED,
    Schema,
    one_of,
    ref,
    text,
    whole,
)
from reference_server.settings import Settings

_WRITES: Codes = {403: "CROSS_SITE", 507: "DISK_FULL"}
_KNOWN: Codes = {400: "BAD_ID", 404: "NO_DOCUMENT", 500: "DOCUMENT_DAMAGED"}
_SPEECH: Codes = {
    403: "BASE_URL_NOT_ALLOWED",
    **dict.fromkeys((429, 500, 502, 504), "TTS_GENERATION_FAILED"),
}
_FIELDS: Codes = {400: "MISSING_PARAMETERS"}
_UPLOAD: Codes = {422: "NOT_A_DOCUMENT NO_TEXT TEXT_TOO_LONG WRONG_SHA256", 503: "READER_KILLED"}
_FILES = (
    "application/octet-stream",
    "application/pdf",
    "application/epub+zip",
    "text/plain",
    "text/markdown",
)


def openapi_document(*, password: bool) -> Schema:
    """Return the document; with a `password` it asks for it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "oomproof reference server",
            "version": version("oomproof"),
            "description": "A document reader: live and cached reading aloud.",
        },
        "security": [{"basic": []}] if password else [],
        "paths": {**_page(), **_watching(), **_documents(), **_live(), **_making(), **_cached()},
        "components": {
            "schemas": SCHEMAS,
            "responses": shared_refusals(),
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
        },
    }


def openapi_routes() -> list[BaseRoute]:
    """Return the document's route; it uses the app state's `settings`."""
    return [Route("/api/openapi.json", get_openapi)]


async def get_openapi(request: Request) -> Response:
    """Answer with the document."""
    settings: Settings = request.app.state.settings
    return _answer(password=bool(settings.basic_auth_user))


@cache
def _answer(*, password: bool) -> Response:
    return JSONResponse(openapi_document(password=password), headers={"Cache-Control": "private, no-cache"})


def _page() -> Schema:
    has_it: dict[int, Schema] = {304: {"description": "The client has it."}}
    etag: Schema = {"headers": {"ETag": told(text(), required=True)}}
    index: dict[int, Schema] = {200: content({"text/html": text()}) | etag, **has_it}
    parts = dict.fromkeys(("text/css", "text/javascript", "image/svg+xml"), text())
    conditions = [header("if-none-match")]
    return {
        "/": {"get": operation("The reader page", index, parameters=conditions)},
        "/page/{file}": {
            "parameters": [in_path("file", text(200))],
            "get": operation(
                "A file that the page is made of",
                {200: content(parts) | etag, **has_it},
                parameters=conditions,
            ),
        },
        "/api/config": {"get": operation("The server's defaults and limits", {200: json_of("Config")})},
    }


def _watching() -> Schema:
    health = json_of("Health")
    not_ready = {"anyOf": [ref("Health"), error("SERVER_ENDS")]}
    return {
        "/api/health": {"get": operation("Whether the server lives", {200: health}, is_open=True)},
        "/api/health/ready": {
            "get": operation(
                "Whether it can work",
                {200: health, 503: content({"application/json": not_ready}, "It cannot, for now.")},
                is_open=True,
            )
        },
        "/metrics": {"get": operation("What Prometheus reads", {200: content({"text/plain": text()})})},
        "/api/events": {
            "get": operation(
                "What memory does and how far a document's job is, once or every second",
                {200: content({"application/json": ref("Moment"), "text/event-stream": ref("MomentEvent")})},
                {400: "BAD_ID"},
                parameters=[query("documentId", ID), _accept()],
            )
        },
        "/api/openapi.json": {
            "get": operation("This document", {200: content({"application/json": {"type": "object"}})})
        },
    }


def _documents() -> Schema:
    stored = {200: json_of("Document", "It was stored already."), 201: json_of("Document", "It is stored.")}
    any_bytes: Schema = {"type": "string", "format": "binary"}
    file = dict.fromkeys(_FILES, any_bytes)
    name, body = [query("name", NAME)], {"content": content(file)["content"]}
    codes = (_WRITES, _UPLOAD, _KNOWN)
    of_one = [in_path("id", ID)]
    return {
        "/api/documents": {
            "get": operation("All documents", {200: json_of("Documents")}),
            "post": operation(
                "Take a document under its SHA-256", stored, *codes, parameters=name, body=body
            ),
        },
        "/api/documents/{id}": {
            "parameters": of_one,
            "get": operation("One document", {200: json_of("Document")}, _KNOWN),
            "put": operation("Take a document", stored, *codes, parameters=name, body=body),
            "delete": operation(
                "Remove a document with its chunks", {200: json_of("DocumentDeleted")}, _WRITES, _KNOWN
            ),
        },
        "/api/documents/{id}/pages": {
            "parameters": of_one,
            "get": operation("The size of each page", {200: json_of("Pages")}, _KNOWN),
        },
        "/api/documents/{id}/pages/{page}/blocks": {
            "parameters": [*of_one, in_path("page", whole(1))],
            "get": operation("The blocks of a page", {200: json_of("Blocks")}, _KNOWN, {404: "NO_PAGE"}),
        },
    }


def _live() -> Schema:
    upstream = [header(name) for name in ("x-openai-key", "x-openai-base-url", "x-tts-provider")]
    mp3 = content({"audio/mpeg": {}}, "The whole MP3.") | {
        "headers": {
            "ETag": told(text()),
            "X-Cache": told(one_of("HIT", "MISS", "INFLIGHT")),
        }
    }
    failed = _failed_timing()
    return {
        "/api/tts": {
            "post": operation(
                "Speak a text now",
                {200: mp3, 304: {"description": "The client has it."}},
                _WRITES,
                _SPEECH,
                _FIELDS,
                parameters=[*upstream, header("if-none-match")],
                body=sent("SpeechRequest"),
            )
        },
        "/api/tts/voices": {
            "get": operation(
                "The upstream's voices", {200: json_of("Voices")}, _SPEECH, parameters=upstream[:2]
            )
        },
        "/api/whisper": {
            "post": operation(
                "Time the words of an MP3 now",
                {200: json_of("Alignments"), 500: failed},
                _WRITES,
                _FIELDS,
                {503: "ALIGNER_BUSY"},
                body=sent("TimingRequest"),
            )
        },
    }


def _failed_timing() -> Schema:
    # The real application's field `error` stands beside the two of all errors.
    name: Schema = {"const": "WHISPER_ALIGNMENT_FAILED"}
    fields: dict[str, Schema] = {"error": name, "code": name, "message": text()}
    failed: Schema = {"type": "object", "properties": fields, "required": list(fields)}
    return content({"application/json": {"anyOf": [failed, error("INTERNAL_ERROR")]}}, "No word times.")


def _making() -> Schema:
    progress = {
        200: content({"text/event-stream": ref("Event")}, "Progress, event by event."),
        202: json_of("Progress"),
    }
    no_page: Codes = {404: "NO_PAGE"}
    asked = sent("PreprocessRequest")
    document = query("documentId", ID, required=True)
    return {
        "/api/tts/preprocess": {
            "post": operation(
                "Make the missing chunks of some pages",
                progress,
                _WRITES,
                _KNOWN,
                _FIELDS,
                no_page,
                {409: "DOCUMENT_CHANGED JOB_RUNNING"},
                parameters=[_accept()],
                body=asked,
            ),
            "delete": operation(
                "Remove a document's chunks",
                {200: json_of("ChunksDeleted")},
                _WRITES,
                _FIELDS,
                {400: "BAD_ID"},
                parameters=[document],
            ),
        },
        "/api/tts/preprocess/estimate": {
            "post": operation(
                "What that would take",
                {200: json_of("Estimate")},
                _WRITES,
                _KNOWN,
                _FIELDS,
                no_page,
                body=asked,
            )
        },
        "/api/tts/preprocess/cancel": {
            "post": operation(
                "End the making, keep what was made",
                {200: json_of("Cancelled")},
                _WRITES,
                _FIELDS,
                {400: "BAD_ID"},
                body=sent("CancelRequest"),
            )
        },
        "/api/tts/preprocess/status": {
            "get": operation(
                "What is stored, and how far the making is",
                {200: json_of("Status")},
                _KNOWN,
                _FIELDS,
                parameters=[document, *_wanted()],
            )
        },
        "/api/tts/preprocess/clear": {
            "post": operation(
                "Remove all chunks of all documents",
                {200: json_of("Cleared")},
                _WRITES,
                body=sent("ClearRequest"),
            )
        },
        "/api/tts/preprocess/stats": {"get": operation("The whole store", {200: json_of("StoreStats")})},
    }


def _cached() -> Schema:
    which = [
        query("documentId", ID, required=True),
        query("page", whole(0, maximum=999_999_999), required=True),
        query("blockIndex", whole(0, maximum=999_999_999), required=True),
        *_wanted(),
        query("textHash", SHA256),
    ]
    codes: tuple[Codes, ...] = (_KNOWN, _FIELDS, {404: "NO_CHUNK STALE_CHUNK"})
    etag: Schema = {"headers": {"ETag": told(text(), required=True)}}
    part: Schema = {"audio/mpeg": {}, "multipart/byteranges": {}}
    chunk: dict[int, Schema] = {
        200: content({"audio/mpeg": {}}, "The MP3.") | etag,
        206: content(part, "The parts of it that were asked for.") | etag,
        304: {"description": "The client has it.", **etag},
        416: {"description": "No such part.", "content": {"text/plain": {"schema": text()}}},
    }
    timings: dict[int, Schema] = {200: json_of("Alignments")}
    conditions = [header("range"), header("if-range"), header("if-none-match")]
    paths: Schema = {}
    for path, title, answers, headers in (
        ("/api/tts/chunk", "A block's MP3", chunk, conditions),
        ("/api/tts/timings", "The words' times made with it", timings, []),
    ):
        get = operation(title, answers, *codes, parameters=[*which, *headers])
        paths[path] = {"get": get, "head": without_content(get)}
    return paths


def _accept() -> Schema:
    return header("accept", one_of("application/json", "text/event-stream"))


def _wanted() -> list[Schema]:
    return [query("voice", text()), query("speed", SPEED), query("model", text())]
