"""Chapters: the runs of consecutive blocks that readers share, and the file or text that carries them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Voice:
    """What speech is asked with: a voice's name, and the native speed (1 is normal)."""

    name: str
    speed: float


@dataclass(frozen=True)
class Chapters:
    """What the readers of one run read, and with which voices.

    Attributes:
        document_id: the document's name on the server; empty where the server keeps no documents.
        document_sha256: hex SHA-256 of its bytes.
        pages: how many pages the document has.
        voices: what reading starts with, and after it what a restless person changes to.
        model: speech model.
        chapters: blocks of each chapter, in reading order.
        dialogue: a second document, of short blocks, where the run has one.
    """

    document_id: str
    document_sha256: str
    pages: int
    voices: tuple[Voice, ...]
    model: str
    chapters: tuple[tuple[Block, ...], ...]
    dialogue: "Chapters | None" = None

    def text(self) -> str:
        """Returns the chapters as one line of JSON, which a Locust master sends to its workers."""
        return json.dumps(self.to_json())

    @classmethod
    def parse(cls, text: str | bytes) -> "Chapters":
        """Reads what ``text`` or ``save`` wrote.

        Raises:
            ChaptersError: the text is something else, or names no voice or no block.
        """
        try:
            return cls.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ChaptersError(f"is no chapters file ({type(error).__name__}: {error})") from error

    def save(self, path: Path) -> None:
        """Writes the chapters file."""
        path.write_text(json.dumps(self.to_json(), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Chapters":
        """Reads a chapters file.

        Raises:
            ChaptersError: the file is absent, is no chapters file, or names no voice or no block.
        """
        again = f"with: python -m loadtests.prepare --out {path} …"
        try:
            return cls.parse(path.read_bytes())
        except OSError as error:
            raise ChaptersError(f"{path}: {error.strerror}. Make it {again}") from error
        except ChaptersError as error:
            raise ChaptersError(f"{path}: {error}. Make it again {again}") from error

    def require_mode(self, mode: str) -> None:
        """Returns when these chapters can be read in this mode: without a document there are no chunks.

        Raises:
            ChaptersError: they cannot.
        """
        if not self.document_id and mode != "live":
            raise ChaptersError(
                f"--mode {mode}: these blocks were made here, for a server without documents. Use --mode live."
            )

    def to_json(self) -> dict[str, Any]:
        """Returns the chapters with the names of the chapters file."""
        value: dict[str, Any] = {
            "documentId": self.document_id,
            "documentSha256": self.document_sha256,
            "pages": self.pages,
            "voices": [{"voice": voice.name, "speed": voice.speed} for voice in self.voices],
            "model": self.model,
            "chapters": [[block.to_json() for block in chapter] for chapter in self.chapters],
        }
        return value if self.dialogue is None else {**value, "dialogue": self.dialogue.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Chapters":
        """Reads chapters as the chapters file writes them; ``parse`` tells of what is not so in one line."""
        voices = tuple(Voice(str(voice["voice"]), float(voice["speed"])) for voice in value["voices"])
        chapters = tuple(
            tuple(Block.from_json(int(block["page"]), block) for block in chapter)
            for chapter in value["chapters"]
            if chapter
        )
        if not voices or not chapters:
            raise ChaptersError("has no voice" if chapters else "has no chapter with a block")
        dialogue = value.get("dialogue")
        return cls(
            document_id=str(value["documentId"]),
            document_sha256=str(value["documentSha256"]),
            pages=int(value["pages"]),
            voices=voices,
            model=str(value["model"]),
            chapters=chapters,
            dialogue=None if dialogue is None else cls.from_json(dialogue),
        )


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
