"""How the text of an option becomes its value."""

import math
from pathlib import Path

from loadtests.mixes import Mix, MixError, parse_mix
from loadtests.modes import MODES, Mode


class OptionError(Exception):
    """An option's value cannot be used; the text is one line for the user."""


def mode(text: str) -> Mode:
    """Reads a mode."""
    found = next((known for known in MODES if known == text), None)
    if found is None:
        raise OptionError(f"{text!r} is unknown. Use one of {', '.join(MODES)}.")
    return found


def mix(text: str) -> Mix:
    """Reads a mix."""
    try:
        return parse_mix(text)
    except MixError as error:
        raise OptionError(str(error)) from error


def positive(text: str) -> float:
    """Reads a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise OptionError(f"{text!r} is no number above 0. Use one such as 5.")
    return value


def whole(text: str) -> int:
    """Reads a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is no whole number. Use one such as 1.") from error


def count(text: str) -> int:
    """Reads a whole number from 1."""
    value = whole(text)
    if value < 1:
        raise OptionError(f"{text!r} is too few. Use a whole number from 1.")
    return value


def from_zero(text: str) -> int:
    """Reads a whole number from 0."""
    value = whole(text)
    if value < 0:
        raise OptionError(f"{text!r} is below 0. Use a whole number from 0.")
    return value


def seconds(text: str) -> float:
    """Reads any number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise OptionError(f"{text!r} is no number of seconds. Use one such as -12.5.")
    return value


def word(text: str) -> str:
    """Takes any text but an empty one."""
    if not text.strip():
        raise OptionError("is empty. Leave it out, or give a name.")
    return text


def file(text: str) -> Path:
    """Takes a path."""
    return Path(word(text))


def file_or_none(text: str) -> Path | None:
    """Takes a path, None for an empty text."""
    return Path(text) if text else None


def word_or_none(text: str) -> str | None:
    """Takes a text, None for an empty one."""
    return text or None
