"""The chapters of a run: from the documents a server stores, or from blocks made here where it stores none."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from loadtests import client_blocks
from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import PrepareError
from loadtests.chapter_choice import choose_chapters
from loadtests.chapters import Block, Chapters, ChaptersError
from loadtests.document_upload import page_blocks, require_live_contract, upload
from loadtests.preparation import Preparation
from loadtests.progress import Tell
from loadtests.voices import voices_of_a_run

DIALOGUE_BLOCKS_PER_BLOCK = 8
"""A line of dialogue lasts an eighth of a block of prose: so a chapter of either lasts as long."""

DIALOGUE_CHAPTERS_SHARE = 4
"""One chapter of dialogue for so many of prose: their blocks are eight times as many to make."""


def choose_what_is_read(host: Host, preparation: Preparation, tell: Tell) -> Chapters:
    """Uploads what is to be read and returns its chapters, with those of dialogue where there is such a document.

    Raises:
        WrongUseError: a file cannot be read, or not in the way that is asked for.
        PrepareError: the server did not do its part.
        ChaptersError: a document gives no block.
    """
    document_id = preparation.document_id or f"reading-{_sha256(preparation.document)[:12]}"
    chapters = _read_document(host, preparation, document_id, tell)
    if preparation.dialogue_document is None:
        return chapters
    dialogue = replace(
        preparation,
        document=preparation.dialogue_document,
        chapters=math.ceil(preparation.chapters / DIALOGUE_CHAPTERS_SHARE),
        blocks=preparation.blocks * DIALOGUE_BLOCKS_PER_BLOCK,
    )
    return replace(chapters, dialogue=_read_document(host, dialogue, f"{document_id}-dialogue", tell))


def _read_document(host: Host, preparation: Preparation, document_id: str, tell: Tell) -> Chapters:
    path, sha256 = preparation.document, _sha256(preparation.document)
    stored = upload(host, path, document_id)
    if stored is not None and stored.sha256 != sha256:
        raise PrepareError(
            f"{path}: {host.url} stored other bytes than were sent, of SHA-256 {stored.sha256}."
        )
    try:
        if stored is None:
            document_id = ""
            pages, chosen = _blocks_made_here(host, preparation, tell)
        else:
            pages = stored.pages
            chosen = _choose(preparation, pages, lambda page: page_blocks(host, document_id, page))
    except ChaptersError as error:
        raise ChaptersError(f"{path}: {error}") from error
    return Chapters(
        document_id, sha256, pages, voices_of_a_run(preparation.voice), preparation.model, tuple(chosen)
    )


def _blocks_made_here(
    host: Host, preparation: Preparation, tell: Tell
) -> tuple[int, list[tuple[Block, ...]]]:
    require_live_contract(host)
    if preparation.pregenerate or preparation.mode not in {None, "live"}:
        option = "--pregenerate" if preparation.pregenerate else f"--mode {preparation.mode}"
        raise WrongUseError(
            f"{option}: {host.url} has no document routes, and so no chunks. Use --mode live."
        )
    tell(f"{host.url}: no document routes: blocks are made here")
    with client_blocks.opened(preparation.document) as document:
        pages = document.pages
        return pages, _choose(preparation, pages, lambda page: client_blocks.page_blocks(document, page))


def _choose(
    preparation: Preparation, pages: int, load_page: Callable[[int], list[Block]]
) -> list[tuple[Block, ...]]:
    return choose_chapters(pages, load_page, preparation.chapters, preparation.blocks)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WrongUseError(f"{path}: {error.strerror}. Name another file to read.") from error
