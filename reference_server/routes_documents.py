"""Routes of the documents: upload, list, look, remove, their pages, and the blocks of a page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.document import checked_id
from reference_server.documents import Documents
from reference_server.fields import text_of
from reference_server.parameters import whole_of
from reference_server.threads import run_to_end

LONGEST_NAME = 200
"""Characters of a document's name."""


def document_routes() -> list[BaseRoute]:
    """Return the routes below /api/documents."""
    return [
        Route("/api/documents", list_documents),
        Route("/api/documents", post_document, methods=["POST"]),
        Route("/api/documents/{id}", get_document),
        Route("/api/documents/{id}", put_document, methods=["PUT"]),
        Route("/api/documents/{id}", delete_document, methods=["DELETE"]),
        Route("/api/documents/{id}/pages", get_pages),
        Route("/api/documents/{id}/pages/{page}/blocks", get_blocks),
    ]


async def post_document(request: Request) -> Response:
    """Store the document that the body is under its SHA-256: 201, or 200 where it is stored already."""
    return await _store(request, None)


async def put_document(request: Request) -> Response:
    """Store the document that the body is: 201, or 200 where the same one is stored already."""
    return await _store(request, request.path_params["id"])


async def _store(request: Request, document_id: str | None) -> Response:
    name = request.query_params.get("name")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    documents: Documents = request.app.state.documents
    document, is_new = await documents.put(
        document_id,
        request.stream(),
        name=None if name is None else text_of("name", name, LONGEST_NAME),
        is_markdown=media_type == "text/markdown",
    )
    if is_new:
        # A job of the old text would go on storing it. Not before: a job could begin anew in between.
        await request.app.state.jobs.stop(document.id)
    return JSONResponse(document.to_json(), status_code=201 if is_new else 200)


def list_documents(request: Request) -> Response:
    """Answer with all documents."""
    documents: Documents = request.app.state.documents
    return JSONResponse({"documents": [document.to_json() for document in documents.listing()]})


def get_document(request: Request) -> Response:
    """Answer with one document."""
    documents: Documents = request.app.state.documents
    return JSONResponse(documents.get(request.path_params["id"]).to_json())


async def delete_document(request: Request) -> Response:
    """Remove a document with its chunks, also while they are being made, or when a kill has left only them."""
    state = request.app.state
    document_id = checked_id(request.path_params["id"])
    # In this order: once the document is gone no job can begin, once no job runs no chunk can come.
    try:
        await run_to_end(state.documents.delete, document_id)
    finally:
        await state.jobs.stop(document_id)
        await run_to_end(state.store.delete, document_id)
    return JSONResponse({"id": document_id, "deleted": True})


def get_pages(request: Request) -> Response:
    """Answer with the size of every page, counted from 1; their text is not read for it."""
    documents: Documents = request.app.state.documents
    document = documents.get(request.path_params["id"])
    request.app.state.open_documents.touch(document.id)
    pages = [
        {"page": size.page, "blocks": size.blocks, "characters": size.characters}
        for size in documents.outline(document).sizes()
    ]
    return JSONResponse({"documentId": document.id, "pages": pages})


def get_blocks(request: Request) -> Response:
    """Answer with the blocks of a page, counted from 1, each with its index and its text's hash."""
    documents: Documents = request.app.state.documents
    document = documents.get(request.path_params["id"])
    request.app.state.open_documents.touch(document.id)
    page = whole_of("page", request.path_params["page"])
    blocks = [
        {"blockIndex": block.index, "text": block.text, "textHash": block.text_hash}
        for block in documents.outline(document).page(page)
    ]
    return JSONResponse({"documentId": document.id, "page": page, "blocks": blocks})
