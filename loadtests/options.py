"""What the load accepts on Locust's command line and on its web page, checked once."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loadtests import option_values
from loadtests.chapters import Voice
from loadtests.mixes import Mix
from loadtests.modes import MODES, Mode
from loadtests.option_values import OptionError

if TYPE_CHECKING:  # whoever imports Locust makes the whole process gevent's
    from locust.argument_parser import LocustArgumentParser


@dataclass(frozen=True)
class LoadOptions:
    """Checked options of a run.

    Attributes:
        mode: where speech and word timings come from.
        mix: what kinds of people read.
        pace: how much faster than real time sessions are played.
        session_s: length of a session, in session seconds.
        sessions: how many sessions each reader plays, one after the other.
        seed: seed of every draw.
        voice: voice of the speech.
        speed: native speed of the speech.
        model: speech model.
        chapters: how many chapters the readers share.
        blocks: how many blocks each has.
        pregenerate: whether the chapters' chunks are made before the readers come.
        insecure: whether TLS certificates go unchecked.
        document: what is read; None for the project's own.
        document_id: its name on the server; None for one made from its bytes.
        chapters_file: chapters that were prepared before; None where the run prepares them itself.
        requests_file: where rows go.
        generator_file: where the load's own samples go.
        judged_elsewhere: whether an unwell server leaves the exit code 0.
        first_reader: the number of the first reader: a load that goes on where another ended has others.
        clock_shift_s: added to the times of rows and samples, for a clock that began with another load.
    """

    mode: Mode
    mix: Mix
    pace: float
    session_s: float
    sessions: int
    seed: int
    voice: str
    speed: float
    model: str
    chapters: int
    blocks: int
    pregenerate: bool
    insecure: bool
    document: Path | None
    document_id: str | None
    chapters_file: Path | None
    requests_file: Path
    generator_file: Path
    judged_elsewhere: bool
    first_reader: int
    clock_shift_s: float

    @property
    def asked_with(self) -> Voice:
        """What speech is asked with at first."""
        return Voice(self.voice, self.speed)

    @property
    def session_wall_s(self) -> float:
        """Longest a reader can be at it, start included, in wall seconds."""
        return (self.session_s + 5) / self.pace


@dataclass(frozen=True)
class _Option:
    """One option: its default as text (None: a flag), how a value is read, what --help says."""

    name: str
    default: str | None
    read: Callable[[Any], object]
    meaning: str

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def as_text(self, text: str) -> str:
        """Check a value for argparse, which is to leave it as it is: the web page and a master hand on texts."""
        try:
            self.read(text)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text


_ON_THE_PAGE_TOO = (
    _Option("mode", "live", option_values.mode, "where speech and timings come from"),
    _Option("mix", "steady", option_values.mix, "what kinds of people read, such as steady=3,restless=1"),
    _Option("pace", "1", option_values.positive, "how much faster than real time sessions are played"),
    _Option("session_s", "600", option_values.positive, "length of a session, in session seconds"),
    _Option(
        "sessions", "1", option_values.count, "sessions that each reads in turn, as somebody else each time"
    ),
    _Option("seed", "1", option_values.whole, "seed of start times and of what people do"),
    _Option("voice", "alloy", option_values.word, "voice of the speech"),
    _Option("speed", "1", option_values.positive, "native speed of the speech"),
    _Option("model", "tts-1", option_values.word, "speech model"),
    _Option("chapters", "8", option_values.count, "how many chapters the readers share"),
    _Option("blocks", "20", option_values.count, "blocks of a chapter"),
    _Option("pregenerate", None, bool, "make the chapters' chunks before the readers come"),
    _Option("insecure", None, bool, "do not check TLS certificates"),
)
# Files of this machine are for who starts Locust to choose: its web page asks for no password.
_COMMAND_LINE_ONLY = (
    _Option("document", "", option_values.file_or_none, "PDF, EPUB, text or Markdown to read (our own)"),
    _Option(
        "document_id", "", option_values.word_or_none, "its name on the server (reading- and 12 hex digits)"
    ),
    _Option(
        "chapters_file", "", option_values.file_or_none, "made beforehand by python -m loadtests.prepare"
    ),
    _Option("requests_file", "requests.csv", option_values.file, "every request and block, as CSV"),
    _Option("generator_file", "generator.csv", option_values.file, "how hard the load has to work, as CSV"),
    _Option(
        "judged_elsewhere", None, bool, "exit with 0 for an unhealthy server too: another judges the run"
    ),
    _Option(
        "first_reader", "0", option_values.from_zero, "number of the first reader, where others read before"
    ),
    _Option("clock_shift_s", "0", option_values.seconds, "seconds added to the times of rows and samples"),
)
_OPTIONS = (*_ON_THE_PAGE_TOO, *_COMMAND_LINE_ONLY)
FLAGS = tuple(option.flag for option in _OPTIONS)
"""All options, as they are written."""
NOT_ON_THE_PAGE = {option.name: option.flag for option in _COMMAND_LINE_ONLY}
"""Options that only the command line takes: their names, with their flags."""


def add_options(parser: "LocustArgumentParser") -> None:
    """Adds our options, also to Locust's web page (which leaves out what is in an argument group)."""
    for option in _OPTIONS:
        more: dict[str, Any] = {"action": "store_true"}
        if option.default is not None:
            more = {"default": option.default, "type": option.as_text}
        if option.name == "mode":
            more["choices"] = MODES  # which the page shows as a list
        on_page = option.name not in NOT_ON_THE_PAGE
        parser.add_argument(option.flag, help=option.meaning, include_in_web_ui=on_page, **more)


def parse_options(values: argparse.Namespace) -> LoadOptions:
    """Checks the values.

    Raises:
        OptionError: one is unusable; names the option, the value and the way out.
    """
    read: dict[str, Any] = {}
    for option in _OPTIONS:
        try:
            read[option.name] = option.read(getattr(values, option.name))
        except OptionError as error:
            raise OptionError(f"{option.flag}: {error}") from error
    return LoadOptions(**read)
