"""How errors look on the wire: one shape for all of them, and never a word about the inside.

The handlers are coroutines: Starlette would take a thread for each refusal otherwise.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from reference_server.errors import ApiError

_CODES = {404: "NOT_FOUND", 413: "TOO_LARGE"}
_NO_SUCH_ROUTE = "There is nothing here. GET /api/openapi.json names all routes."


def error_response(
    status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the JSON body that every error of this server has."""
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)


async def handle_api_error(_request: Request, error: Exception) -> Response:
    """Turn an `ApiError` into its answer."""
    assert isinstance(error, ApiError)
    return error_response(error.status, error.code, error.message, headers=error.headers)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Turn Starlette's own refusals (no such route, wrong method) into the same shape."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(_methods_of(request)))
        message = f"{request.method[:20]} is not known here. Use {allowed}."
        return error_response(405, "METHOD_NOT_ALLOWED", message, headers={"Allow": allowed})
    code = _CODES.get(error.status_code, "BAD_REQUEST")
    message = _NO_SUCH_ROUTE if error.status_code == HTTPStatus.NOT_FOUND else error.detail
    return error_response(error.status_code, code, message, headers=error.headers)


def _methods_of(request: Request) -> set[str]:
    """Return every method of a path: Starlette names those of one route only, and a path has several."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


async def handle_unexpected(_request: Request, _error: Exception) -> Response:
    """Answer 500 without a word about the inside; Starlette raises the error again, so that it is logged."""
    return error_response(500, "INTERNAL_ERROR", "The server failed on this request; see its log.")


async def handle_disconnect(_request: Request, _error: Exception) -> Response:
    """End quietly where the client has left before its body was complete."""
    return Response(status_code=499)


async def handle_disk_error(_request: Request, error: Exception) -> Response:
    """Answer 507 where the disk is full; any other failure of the system stays unexpected."""
    assert isinstance(error, OSError)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return error_response(
            507, "DISK_FULL", "The server's disk is full. Delete documents or their caches."
        )
    raise error
