"""What the load accepts on Locust's command line, checked once."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from loadtests.chapters import Chapters
from loadtests.session import MODES, Mode


class OptionError(Exception):
    """An option's value cannot be used; the text is one line for the user."""


@dataclass(frozen=True)
class LoadOptions:
    """Checked options of a run.

    Attributes:
        chapters: what is read.
        mode: where speech and word timings come from.
        pace: how much faster than real time sessions are played.
        session_s: length of a session, in session seconds.
        seed: seed of every draw.
        requests_file: where rows go.
    """

    chapters: Chapters
    mode: Mode
    pace: float
    session_s: float
    seed: int
    requests_file: Path

    @property
    def session_wall_s(self) -> float:
        """Longest a reader can be at it, start included, in wall seconds."""
        return (self.session_s + 5) / self.pace


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds our options, also to Locust's web page (which leaves out what is in an argument group).

    Values stay text here: a bad one is reported by ``parse_options`` in one line.
    """
    parser.add_argument(
        "--chapters-file", default="chapters.json", help="made by python -m loadtests.prepare"
    )
    parser.add_argument("--mode", default="live", choices=MODES, help="where speech and timings come from")
    parser.add_argument("--pace", default="1", help="how much faster than real time sessions are played")
    parser.add_argument("--session-s", default="600", help="length of a session, in session seconds")
    parser.add_argument("--seed", default="1", help="seed of start times")
    parser.add_argument("--requests-file", default="requests.csv", help="every request and block, as CSV")


def parse_options(values: argparse.Namespace) -> LoadOptions:
    """Checks the values and reads the chapters file.

    Raises:
        OptionError: a value is unusable.
        ChaptersError: the chapters file is.
    """
    mode = next((known for known in MODES if known == values.mode), None)
    if mode is None:
        raise OptionError(f"--mode: {values.mode!r} is unknown. Use one of {', '.join(MODES)}.")
    pace = _positive("--pace", values.pace)
    session_s = _positive("--session-s", values.session_s)
    try:
        seed = int(values.seed)
    except ValueError as error:
        raise OptionError(f"--seed: {values.seed!r} is no whole number. Use one such as 1.") from error
    chapters = Chapters.load(Path(values.chapters_file))
    return LoadOptions(chapters, mode, pace, session_s, seed, Path(values.requests_file))


def _positive(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise OptionError(f"{name}: {text!r} is no number above 0. Use one such as 5.")
    return value
