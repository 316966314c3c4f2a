"""What is asked of the preparation, checked as far as no server is needed for it."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.asking import WrongUseError
from loadtests.chapters import Voice
from loadtests.modes import Mode

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Preparation:
    """What is to be made ready.

    Attributes:
        host: base URL of the document reader.
        document: the file to read; None where all readers are readers of dialogue.
        document_id: its name on the server; None for ``reading-`` and the start of its SHA-256.
        dialogue_document: what readers of dialogue read, where there are some.
        mode: how readers will read, where that is known: only ``live`` works without document routes.
        chapters: how many chapters are wanted.
        blocks: how many blocks each should have.
        voice: what speech is asked with.
        model: speech model.
        upstream: base URL of our own speech upstream, to have the speech made now.
        changes: whether it also makes the speech of the voices that a person may change to.
        pregenerate: whether the server makes the chapters' chunks now.
        insecure: whether TLS certificates go unchecked.
    """

    host: str
    document: Path | None = None
    document_id: str | None = None
    dialogue_document: Path | None = None
    mode: Mode | None = None
    chapters: int = 8
    blocks: int = 20
    voice: Voice = field(default=Voice("alloy", 1.0))
    model: str = "tts-1"
    upstream: str | None = None
    changes: bool = False
    pregenerate: bool = False
    insecure: bool = False

    def check(self) -> None:
        """Raises WrongUseError for what no server could make ready."""
        if self.document is None and self.dialogue_document is None:
            raise WrongUseError("--document: there is nothing to read. Name a file.")
        if self.document_id is not None and not _ID.fullmatch(self.document_id):
            raise WrongUseError(
                f"--document-id: {self.document_id!r} is no id. Use letters, digits, '.', '_' and '-'."
            )
        for option, count in (("--chapters", self.chapters), ("--blocks", self.blocks)):
            if count < 1:
                raise WrongUseError(f"{option}: {count} is too few. Use a whole number from 1.")
        speed = self.voice.speed
        if not (math.isfinite(speed) and speed > 0):
            raise WrongUseError(f"--speed: {speed:g} is no speed. Use a number such as 1 or 1.25.")
