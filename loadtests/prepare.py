"""``python -m loadtests.prepare``: uploads a document, chooses chapters, makes their speech ready.

Writes chapters.json, which every reader of the run shares. Of a server that keeps no documents the blocks are
made here, and only read live.

Exit codes: 0 ready, 1 a server did not do its part, 2 wrong use.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters, ChaptersError, Voice
from loadtests.modes import MODES
from loadtests.pregeneration import pregenerate, tell_stored
from loadtests.preparation import Preparation
from loadtests.progress import Tell
from loadtests.speech_ahead import make_speech_ahead
from loadtests.what_is_read import choose_what_is_read

__all__ = ["Preparation", "PrepareError", "WrongUseError", "main", "prepare"]


def prepare(preparation: Preparation, tell: Tell) -> Chapters:
    """Does all steps, telling how far it is, and returns what the readers share.

    Raises:
        WrongUseError: an option or a file cannot be used.
        PrepareError: a server did not do its part.
        ChaptersError: the document gives no block.
    """
    preparation.check()
    with Host(preparation.host, insecure=preparation.insecure) as host:
        chapters = choose_what_is_read(host, preparation, tell)
        if preparation.upstream is not None:
            _speak_ahead(preparation.upstream, preparation, chapters, tell)
        for document in filter(None, (chapters, chapters.dialogue)):
            if preparation.pregenerate:
                pregenerate(host, document, tell)
            elif preparation.mode not in {None, "live"}:
                tell_stored(host, document, str(preparation.mode), tell)
    return chapters


def _speak_ahead(url: str, preparation: Preparation, chapters: Chapters, tell: Tell) -> None:
    blocks = [*chapters.chapters, *(chapters.dialogue.chapters if chapters.dialogue else ())]
    voices = chapters.voices if preparation.changes else chapters.voices[:1]
    with Host(url.rstrip("/").removesuffix("/v1"), "--upstream", insecure=preparation.insecure) as upstream:
        make_speech_ahead(upstream, blocks, voices, tell)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    out: Path = arguments.out
    values = {
        field.name: getattr(arguments, field.name) for field in fields(Preparation) if field.name != "voice"
    }
    try:
        chapters = prepare(Preparation(voice=Voice(arguments.voice, arguments.speed), **values), _say)
        chapters.save(out)
    except (PrepareError, ChaptersError) as error:
        _say(str(error))
        return 2 if isinstance(error, WrongUseError) else 1
    except OSError as error:
        _say(f"{error.filename or out}: {error.strerror}")
        return 2
    for name, part in (("", chapters), ("dialogue: ", chapters.dialogue)):
        if part is not None:
            blocks = sum(map(len, part.chapters))
            _say(f"{out}: {name}{blocks} blocks, chapters: {len(part.chapters)}, pages: {part.pages}")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.prepare", description=__doc__)
    parser.add_argument("--host", required=True, help="base URL of the document reader")
    parser.add_argument("--document", type=Path, help="what to read: PDF, EPUB, text or Markdown")
    parser.add_argument(
        "--document-id", help="its name on the server (reading-, and the start of its SHA-256)"
    )
    parser.add_argument("--dialogue-document", type=Path, help="what readers of dialogue read, or all")
    parser.add_argument("--mode", choices=MODES, help="how readers will read: says what is missing for it")
    parser.add_argument("--upstream", help="base URL of our own speech upstream, to have the speech made now")
    parser.add_argument("--changes", action="store_true", help="the upstream makes the other voices too")
    parser.add_argument("--chapters", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=20, help="blocks of a chapter")
    parser.add_argument("--voice", default="alloy")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--model", default="tts-1")
    parser.add_argument("--out", type=Path, default=Path("chapters.json"))
    parser.add_argument("--pregenerate", action="store_true", help="make the chapters' chunks beforehand")
    parser.add_argument("--insecure", action="store_true", help="do not check TLS certificates")
    return parser


if __name__ == "__main__":
    sys.exit(main())
