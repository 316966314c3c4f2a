"""The reader page: its document at the root, its styles, scripts and pictures, and the defaults it begins with."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.errors import ApiError
from reference_server.etags import has_it
from reference_server.page_files import INDEX, PageFiles
from reference_server.parameters import DEFAULT_SPEED
from reference_server.settings import Settings

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
"""The page's Content-Security-Policy: only what this server sends, nothing inline, and no HTML out of text."""


def page_routes() -> list[BaseRoute]:
    """Return the routes; they use the app state's `page_files` and `settings`."""
    return [
        Route("/", get_index),
        Route("/page/{file}", get_file),
        Route("/api/config", get_config),
    ]


def get_index(request: Request) -> Response:
    """Answer with the page."""
    return _answer(request, INDEX, {"Content-Security-Policy": PAGE_POLICY})


def get_file(request: Request) -> Response:
    """Answer with one of the files that the page is made of."""
    name: str = request.path_params["file"]
    if name == INDEX:  # it has one address, and its policy there
        raise _not_found(name)
    return _answer(request, name, {})


async def get_config(request: Request) -> Response:
    """Answer with what a page may count on: the server's defaults and limits, and no secret."""
    settings: Settings = request.app.state.settings
    config = {
        "voice": settings.tts_voice,
        "model": settings.tts_model,
        "speed": DEFAULT_SPEED,
        "maxDocumentBytes": settings.max_document_bytes,
        "storeMaxBytes": settings.store_max_bytes,
        "aligner": settings.aligner,
        "aligners": settings.aligners,
        "concurrency": settings.preprocess_concurrency,
    }
    return JSONResponse(config, headers={"Cache-Control": "no-store"})


def _answer(request: Request, name: str, headers: dict[str, str]) -> Response:
    files: PageFiles = request.app.state.page_files
    file = files.get(name)
    if file is None:
        raise _not_found(name)
    headers = {**headers, "ETag": file.etag, "Cache-Control": "no-cache"}
    if has_it(request, file.etag):
        return Response(status_code=304, headers=headers)
    return Response(file.content, headers={**headers, "Content-Type": file.content_type})


def _not_found(name: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", f"The page has no file {name[:100]!r}.")
