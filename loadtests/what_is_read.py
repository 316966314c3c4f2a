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
"""Beside prose there is one chapter of dialogue for so many of it: eight times the blocks are to be made for one."""


def choose_what_is_read(host: Host, preparation: Preparation, tell: Tell) -> Chapters:
    """Uploads what is to be read and returns its chapters, with those of dialogue where there is such a document.

    Raises:
        WrongUseError: a file cannot be read, or not in the way that is asked for.
        PrepareError: the server did not do its part.
        ChaptersError: a document gives no block.
    """
    first = preparation.document or preparation.dialogue_document
    assert first is not None, "an unchecked preparation"
    named = preparation.document_id or f"reading-{_sha256(first)[:12]}"
    dialogue = replace(preparation, blocks=preparation.blocks * DIALOGUE_BLOCKS_PER_BLOCK)
    if preparation.document is None:
        return _read_document(host, dialogue, first, named, tell)
    chapters = _read_document(host, preparation, first, named, tell)
    if preparation.dialogue_document is None:
        return chapters
    beside = replace(dialogue, chapters=math.ceil(preparation.chapters / DIALOGUE_CHAPTERS_SHARE))
    second = _read_document(host, beside, preparation.dialogue_document, f"{named}-dialogue", tell)
    return replace(chapters, dialogue=second)


def _read_document(
    host: Host, preparation: Preparation, path: Path, document_id: str, tell: Tell
) -> Chapters:
    sha256 = _sha256(path)
    stored = upload(host, path, document_id)
    if stored is not None and stored.sha256 != sha256:
        raise PrepareError(
            f"{path}: {host.url} stored other bytes than were sent, of SHA-256 {stored.sha256}."
        )
    try:
        if stored is None:
            document_id = ""
            pages, chosen = _blocks_made_here(host, preparation, path, tell)
        else:
            pages = stored.pages
            chosen = _choose(preparation, pages, lambda page: page_blocks(host, document_id, page))
    except ChaptersError as error:
        raise ChaptersError(f"{path}: {error}") from error
    return Chapters(
        document_id, sha256, pages, voices_of_a_run(preparation.voice), preparation.model, tuple(chosen)
    )


def _blocks_made_here(
    host: Host, preparation: Preparation, path: Path, tell: Tell
) -> tuple[int, list[tuple[Block, ...]]]:
    require_live_contract(host)
    if preparation.pregenerate or preparation.mode not in {None, "live"}:
        option = "--pregenerate" if preparation.pregenerate else f"--mode {preparation.mode}"
        raise WrongUseError(
            f"{option}: {host.url} has no document routes, and so no chunks. Use --mode live."
        )
    tell(f"{host.url}: no document routes: blocks are made here")
    with client_blocks.opened(path) as document:
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
