"""What kind of failure it was, in a word that a page can translate: the codes of the routes, where they fit."""

from __future__ import annotations

import errno
from typing import Literal, get_args

from reference_server.aligner_programs import AlignerError
from reference_server.speech import SpeechError
from reference_server.store import AudioError
from reference_server.store_space import StoreFullError

FailureCode = Literal[
    "TTS_GENERATION_FAILED", "WHISPER_ALIGNMENT_FAILED", "DISK_FULL", "BROKEN_OFF", "INTERNAL_ERROR"
]
FAILURE_CODES: tuple[FailureCode, ...] = get_args(FailureCode)


def code_of(error: BaseException) -> FailureCode:
    """Return the code of the first error known among this one and what it came from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (SpeechError, AudioError)):
            return "TTS_GENERATION_FAILED"
        if isinstance(cause, AlignerError):
            return "WHISPER_ALIGNMENT_FAILED"
        if isinstance(cause, StoreFullError) or _is_full(cause):
            return "DISK_FULL"
        cause = cause.__cause__
    return "INTERNAL_ERROR"


def _is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
