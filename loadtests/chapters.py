"""Chapters: the runs of consecutive blocks that readers share, and the file that carries them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


class ChaptersError(Exception):
    """A document gives no chapters, or a chapters file cannot be used; the text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document, named as the server names it.

    Attributes:
        page: page number, from 1.
        block_index: place on the page, from 0.
        text: what is spoken, at most 450 characters.
        text_hash: hex SHA-256 of the text.
    """

    page: int
    block_index: int
    text: str
    text_hash: str

    @classmethod
    def from_json(cls, page: int, value: dict[str, Any]) -> "Block":
        """Reads a block as the server's blocks route and the chapters file write it."""
        return cls(page, int(value["blockIndex"]), str(value["text"]), str(value["textHash"]))

    def to_json(self) -> dict[str, int | str]:
        """Returns the block with the names it has on the wire."""
        return {
            "page": self.page,
            "blockIndex": self.block_index,
            "text": self.text,
            "textHash": self.text_hash,
        }


@dataclass(frozen=True)
class Chapters:
    """What the readers of one run read, and with which voice.

    Attributes:
        document_id: the document's name on the server.
        document_sha256: hex SHA-256 of its bytes.
        pages: how many pages the document has.
        voice: voice of the speech requests.
        speed: native speed of the speech requests.
        model: speech model.
        chapters: blocks of each chapter, in reading order.
    """

    document_id: str
    document_sha256: str
    pages: int
    voice: str
    speed: float
    model: str
    chapters: tuple[tuple[Block, ...], ...]

    def save(self, path: Path) -> None:
        """Writes the chapters file."""
        head = asdict(self)
        value = {
            "documentId": head["document_id"],
            "documentSha256": head["document_sha256"],
            "pages": self.pages,
            "voice": self.voice,
            "speed": self.speed,
            "model": self.model,
            "chapters": [[block.to_json() for block in chapter] for chapter in self.chapters],
        }
        path.write_text(json.dumps(value, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Chapters":
        """Reads a chapters file.

        Raises:
            ChaptersError: the file is absent, is no chapters file or names no block.
        """
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            chapters = tuple(
                tuple(Block.from_json(int(block["page"]), block) for block in chapter)
                for chapter in value["chapters"]
                if chapter
            )
            loaded = cls(
                document_id=str(value["documentId"]),
                document_sha256=str(value["documentSha256"]),
                pages=int(value["pages"]),
                voice=str(value["voice"]),
                speed=float(value["speed"]),
                model=str(value["model"]),
                chapters=chapters,
            )
        except OSError as error:
            raise ChaptersError(
                f"{path}: {error.strerror}. Make it with: python -m loadtests.prepare --out {path} …"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ChaptersError(
                f"{path}: is no chapters file ({type(error).__name__}: {error}). "
                f"Make it again with: python -m loadtests.prepare --out {path} …"
            ) from error
        if not loaded.chapters:
            raise ChaptersError(f"{path}: has no chapter with a block. Choose a document that has text.")
        return loaded


def choose_chapters(
    pages: int, load_page: Callable[[int], Sequence[Block]], chapters: int, blocks: int
) -> list[tuple[Block, ...]]:
    """Spreads chapters of consecutive blocks evenly over a document.

    Chapter c starts on page ``1 + c * pages // chapters``, or after the chapter before it where that one
    reached further. It takes whole pages, skipping those without blocks, until it has at least ``blocks``
    blocks, and is then cut to exactly that many, so the last page of a chapter may be read in part.
    Chapters never overlap: a short document gives fewer, or a shorter last one.

    Args:
        pages: how many pages the document has.
        load_page: gives the blocks of a page (from 1); called at most once a page.
        chapters: how many chapters are wanted.
        blocks: how many blocks each should have.

    Raises:
        ChaptersError: no page has a block.
    """
    chosen: list[tuple[Block, ...]] = []
    next_page = 1
    for number in range(chapters):
        page = max(next_page, 1 + number * pages // chapters)
        taken: list[Block] = []
        while len(taken) < blocks and page <= pages:
            taken.extend(load_page(page))
            page += 1
        next_page = page
        if taken:
            chosen.append(tuple(taken[:blocks]))
    if not chosen:
        raise ChaptersError(
            f"none of the document's {pages} pages has a block. Choose a document that has text."
        )
    return chosen


def place_of_reader(number: int, chapters: Sequence[tuple[Block, ...]]) -> tuple[tuple[Block, ...], int]:
    """Returns the chapter that reader ``number`` reads, and the index of the block it starts with.

    Readers take the chapters in turn. Those of one chapter start at 0, 1/2, 1/4, 3/4, 1/8, … of it (the
    base-2 van der Corput sequence), which is evenly spread for any number of readers, known or not.
    """
    chapter = chapters[number % len(chapters)]
    rank, fraction, step = number // len(chapters), 0.0, 0.5
    while rank:
        fraction += step * (rank & 1)
        rank >>= 1
        step /= 2
    return chapter, int(fraction * len(chapter))
