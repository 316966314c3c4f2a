"""What the load accepts on Locust's command line and on its web page, checked once."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from locust.argument_parser import LocustArgumentParser

from loadtests.chapters import Voice
from loadtests.mixes import Mix, MixError, parse_mix
from loadtests.session import MODES, Mode


class OptionError(Exception):
    """An option's value cannot be used; the text is one line for the user."""


@dataclass(frozen=True)
class LoadOptions:
    """Checked options of a run.

    Attributes:
        document: what is read; None for the project's own.
        document_id: its name on the server; None for one made from its bytes.
        chapters_file: chapters that were prepared before; None where the run prepares them itself.
        voice: what speech is asked with.
        model: speech model.
        chapters: how many chapters the readers share.
        blocks: how many blocks each has.
        pregenerate: whether the chapters' chunks are made before the readers come.
        insecure: whether TLS certificates go unchecked.
        mode: where speech and word timings come from.
        mix: what kinds of people read.
        pace: how much faster than real time sessions are played.
        session_s: length of a session, in session seconds.
        seed: seed of every draw.
        requests_file: where rows go.
        generator_file: where the load's own samples go.
        judged_elsewhere: whether an unwell server leaves the exit code 0.
    """

    document: Path | None
    document_id: str | None
    chapters_file: Path | None
    voice: Voice
    model: str
    chapters: int
    blocks: int
    pregenerate: bool
    insecure: bool
    mode: Mode
    mix: Mix
    pace: float
    session_s: float
    seed: int
    requests_file: Path
    generator_file: Path
    judged_elsewhere: bool

    @property
    def session_wall_s(self) -> float:
        """Longest a reader can be at it, start included, in wall seconds."""
        return (self.session_s + 5) / self.pace


FILE_OPTIONS = ("document", "chapters_file", "requests_file", "generator_file")
"""These name files of this machine, so only who starts Locust may choose them: its web page asks for no password."""
_NOT_ON_THE_PAGE = {*FILE_OPTIONS, "document_id", "judged_elsewhere"}


def add_options(parser: LocustArgumentParser) -> None:
    """Adds our options, also to Locust's web page (which leaves out what is in an argument group).

    Values stay text here: a bad one is reported by ``parse_options`` in one line.
    """

    def add(name: str, meaning: str, default: str = "", choices: tuple[str, ...] | None = None) -> None:
        on_page = name not in _NOT_ON_THE_PAGE
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, default=default, choices=choices, help=meaning, include_in_web_ui=on_page)

    def add_flag(name: str, meaning: str) -> None:
        on_page = name not in _NOT_ON_THE_PAGE
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, action="store_true", help=meaning, include_in_web_ui=on_page)

    add("mode", "where speech and timings come from", "live", MODES)
    add("mix", "what kinds of people read, such as steady=3,restless=1", "steady")
    add("pace", "how much faster than real time sessions are played", "1")
    add("session_s", "length of a session, in session seconds", "600")
    add("seed", "seed of start times and of what people do", "1")
    add("voice", "voice of the speech", "alloy")
    add("speed", "native speed of the speech", "1")
    add("model", "speech model", "tts-1")
    add("chapters", "how many chapters the readers share", "8")
    add("blocks", "blocks of a chapter", "20")
    add_flag("pregenerate", "make the chapters' chunks before the readers come")
    add_flag("insecure", "do not check TLS certificates")
    add("document", "what is read: PDF, EPUB, text or Markdown (the project's own document)")
    add("document_id", "the document's name on the server (reading- and 12 digits of its SHA-256)")
    add("chapters_file", "made by python -m loadtests.prepare; then nothing is uploaded")
    add("requests_file", "every request and block, as CSV", "requests.csv")
    add("generator_file", "how hard the load itself has to work, as CSV", "generator.csv")
    add_flag(
        "judged_elsewhere", "exit with 0 for an unhealthy server too: the run is judged by what started it"
    )


def parse_options(values: argparse.Namespace) -> LoadOptions:
    """Checks the values.

    Raises:
        OptionError: one is unusable.
    """
    mode = next((known for known in MODES if known == values.mode), None)
    if mode is None:
        raise OptionError(f"--mode: {values.mode!r} is unknown. Use one of {', '.join(MODES)}.")
    try:
        mix = parse_mix(values.mix)
    except MixError as error:
        raise OptionError(f"--mix: {error}") from error
    return LoadOptions(
        document=_file(values.document),
        document_id=values.document_id or None,
        chapters_file=_file(values.chapters_file),
        voice=Voice(_word("--voice", values.voice), _positive("--speed", values.speed)),
        model=_word("--model", values.model),
        chapters=_whole("--chapters", values.chapters, least=1),
        blocks=_whole("--blocks", values.blocks, least=1),
        pregenerate=values.pregenerate,
        insecure=values.insecure,
        mode=mode,
        mix=mix,
        pace=_positive("--pace", values.pace),
        session_s=_positive("--session-s", values.session_s),
        seed=_whole("--seed", values.seed),
        requests_file=Path(values.requests_file),
        generator_file=Path(values.generator_file),
        judged_elsewhere=values.judged_elsewhere,
    )


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise OptionError(f"{name}: {text!r} is no number above 0. Use one such as 5.")
    return value


def _whole(name: str, text: str, least: int | None = None) -> int:
    try:
        value: int | None = int(text)
    except ValueError:
        value = None
    if value is None or (least is not None and value < least):
        bound = "" if least is None else f" from {least} up"
        raise OptionError(f"{name}: {text!r} is no whole number{bound}. Use one such as {least or 1}.")
    return value


def _word(name: str, text: str) -> str:
    if not text.strip():
        raise OptionError(f"{name}: is empty. Leave it out, or give a name.")
    return text


def _file(text: str) -> Path | None:
    return Path(text) if text else None
