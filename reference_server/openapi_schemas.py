"""The shapes that travel, as JSON Schema: what the routes take, what they answer, each with its limits."""

from __future__ import annotations

from typing import Any, get_args

from reference_server.failure_codes import FAILURE_CODES
from reference_server.settings import AlignerKind
from reference_server.vm_memory import VmSource

Schema = dict[str, Any]
"""JSON as Python has it; no narrower type would say more than the JSON Schema itself."""

_MOST_TEXT = 4096


def text(longest: int | None = None, **more: object) -> Schema:
    """Return the schema of a text, of at least one character where it has a limit."""
    limits = {} if longest is None else {"minLength": 1, "maxLength": longest}
    return {"type": "string", **limits, **more}


def whole(least: int = 0, **more: object) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "minimum": least, **more}


def number(**more: object) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", **more}


def one_of(*values: str) -> Schema:
    """Return the schema of one of some texts."""
    return {"type": "string", "enum": list(values)}


def array(items: Schema, **more: object) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **more}


def record(fields: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that is answered: these fields, those where they apply, and no others."""
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
        "additionalProperties": False,
    }


def body(fields: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that is sent: fields that nobody knows are not looked at."""
    return {**record(fields, optional), "additionalProperties": True}


def ref(name: str) -> Schema:
    """Return a reference to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [schema, {"type": "null"}]}


ID = text(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", maxLength=128)
SHA256 = text(pattern="^[0-9a-f]{64}$")
SPEED = number(minimum=0.25, maximum=4)
MOMENT = text(format="date-time")
NAME = text(200)
YES_OR_NO: Schema = {"type": "boolean"}

_STATES = ("running", "done", "failed", "cancelled")
_COUNTS = {"done": whole(), "total": whole(), "failed": whole()}
_PAGE_COUNTS = {"pagesDone": whole(), "pagesTotal": whole()}
_FAILURES = {"failures": array(ref("Failure"), maxItems=100)}


_TOLD = {"message": text(), "code": one_of(*FAILURE_CODES)}


def _summary(state: Schema) -> Schema:
    return record({"documentId": ID, "state": state, **_COUNTS, **_PAGE_COUNTS}, _TOLD)


_RUNNING = _summary({"const": "running"})
_OPTIONAL_TEXT = {"type": ["string", "null"], "maxLength": _MOST_TEXT}
_SAID = {"text": text(_MOST_TEXT), "voice": text(_MOST_TEXT), "speed": SPEED}
_SETTINGS = {"voice": text(), "speed": SPEED, "model": text()}
_VALUE: Schema = {"type": ["string", "number"]}
_ASKED = {
    "pages": {"anyOf": [array(whole(1), minItems=1), one_of("all", "current+next")]},
    "page": whole(1, description="the current page, for current+next"),
    "voice": NAME,
    "speed": SPEED,
    "model": NAME,
}

SCHEMAS: dict[str, Schema] = {
    "Health": record({"ok": {"const": True}, "status": {"const": "healthy"}, "ready": YES_OR_NO}),
    "Config": record(
        {
            "voice": text(),
            "model": text(),
            "speed": SPEED,
            "maxDocumentBytes": whole(1),
            "storeMaxBytes": whole(1),
            "aligner": one_of(*get_args(AlignerKind)),
            "aligners": whole(),
            "concurrency": whole(1),
        }
    ),
    "Document": record(
        {
            "id": ID,
            "name": or_null(NAME),
            "kind": one_of("pdf", "epub", "text", "markdown"),
            "pages": whole(1),
            "blocks": whole(1),
            "characters": whole(1),
            "sha256": SHA256,
            "sizeBytes": whole(1),
            "uploadedAt": MOMENT,
        }
    ),
    "Documents": record({"documents": array(ref("Document"))}),
    "Pages": record(
        {
            "documentId": ID,
            "pages": array(record({"page": whole(1), "blocks": whole(), "characters": whole()})),
        }
    ),
    "Blocks": record(
        {
            "documentId": ID,
            "page": whole(1),
            "blocks": array(record({"blockIndex": whole(), "text": text(450), "textHash": SHA256})),
        }
    ),
    "SpeechRequest": body(
        _SAID,
        {"model": _OPTIONAL_TEXT, "instructions": _OPTIONAL_TEXT, "format": {"enum": ["mp3", "", None]}},
    ),
    "TimingRequest": body(
        {"text": text(_MOST_TEXT), "audio": array(whole(maximum=255), minItems=1)},
        {"lang": {"type": ["string", "null"], "pattern": "^([a-z]{2,3})?$"}},
    ),
    "Voices": record({"voices": array(text())}),
    "Word": record(
        {
            "text": text(),
            "startSec": number(minimum=0),
            "endSec": number(minimum=0),
            "charStart": whole(),
            "charEnd": whole(),
        }
    ),
    "Alignments": record(
        {
            "alignments": array(
                record({"sentence": text(), "sentenceIndex": {"const": 0}, "words": array(ref("Word"))}),
                maxItems=1,
            )
        }
    ),
    "PreprocessRequest": body({"documentId": ID}, _ASKED),
    "CancelRequest": body({"documentId": ID}),
    "ClearRequest": body({}),
    "Failure": record({"page": whole(1), "blockIndex": whole(), "message": text()}),
    "Progress": record(
        {"documentId": ID, "state": one_of(*_STATES), **_COUNTS, **_PAGE_COUNTS, **_FAILURES},
        _TOLD,
    ),
    "Event": record(
        {
            "event": one_of("message", "failed"),
            "data": text(
                contentMediaType="application/json",
                contentSchema={"anyOf": [ref("Failure"), ref("Progress"), _RUNNING]},
            ),
        }
    ),
    "Memory": record(
        {
            "serverBytes": whole(1),
            "childrenBytes": whole(),
            "children": whole(),
            "vmBytes": whole(),
            "vmLimitBytes": whole(1),
            "vmSource": one_of(*get_args(VmSource)),
            "lineBytes": whole(1),
            "alignersInFlight": whole(),
            "alignersWaiting": whole(),
        }
    ),
    "Moment": record(
        {
            "memory": ref("Memory"),
            "job": or_null(_summary(one_of(*_STATES))),
            "storedBytes": or_null(whole()),
        }
    ),
    "MomentEvent": record({"data": text(contentMediaType="application/json", contentSchema=ref("Moment"))}),
    "Status": record(
        {
            "documentId": ID,
            "state": one_of("missing", "partial", "complete", "stale", "running"),
            **_COUNTS,
            **_FAILURES,
            "pages": array(whole(1)),
            "partialPages": array(record({"page": whole(1), "done": whole(), "total": whole(1)})),
        },
        {"stale": ref("Stale"), "stored": record(_SETTINGS), **_TOLD, **_PAGE_COUNTS},
    ),
    "Stale": record(
        {
            "settings": array(record({"name": one_of(*_SETTINGS), "stored": _VALUE, "wanted": _VALUE})),
            "texts": record({"count": whole(), "examples": array(ref("OtherText"), maxItems=5)}),
            "blocks": whole(1),
        }
    ),
    "OtherText": record({"page": whole(1), "blockIndex": whole(), "stored": text(), "wanted": text()}),
    "Estimate": record(
        {
            "documentId": ID,
            "blocks": whole(),
            "missing": whole(),
            "bytes": whole(),
            "seconds": number(minimum=0),
            "basis": one_of("measured", "assumed"),
            "storeBytes": whole(),
            "storeMaxBytes": whole(1),
        }
    ),
    "Cancelled": record({"documentId": ID, "cancelled": YES_OR_NO}),
    "ChunksDeleted": record({"documentId": ID, "deleted": YES_OR_NO}),
    "Cleared": record({"deleted": whole()}),
    "DocumentDeleted": record({"id": ID, "deleted": {"const": True}}),
    "StoreStats": record(
        {
            "totalSize": whole(),
            "documentsCount": whole(),
            "oldestDocument": or_null(MOMENT),
            "maxSize": whole(1),
        }
    ),
}
"""By name; components of the document."""
