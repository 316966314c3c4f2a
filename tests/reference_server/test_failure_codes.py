"""Which code a job's failure has, whatever it was wrapped in."""

import errno

import pytest

from reference_server.aligner_programs import AlignerError
from reference_server.errors import ServerError
from reference_server.failure_codes import code_of
from reference_server.speech import SpeechError
from reference_server.store import AudioError
from reference_server.store_space import StoreFullError
from reference_server.workshop import GenerationError


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (SpeechError(502, "no"), "TTS_GENERATION_FAILED"),
        (AudioError("no MP3"), "TTS_GENERATION_FAILED"),
        (AlignerError("it ended"), "WHISPER_ALIGNMENT_FAILED"),
        (StoreFullError("full"), "DISK_FULL"),
        (OSError(errno.ENOSPC, "no space"), "DISK_FULL"),
        (OSError(errno.EDQUOT, "no quota"), "DISK_FULL"),
        (OSError(errno.EIO, "broken"), "INTERNAL_ERROR"),
        (ServerError("something"), "INTERNAL_ERROR"),
    ],
)
def test_the_first_known_cause_counts(cause: Exception, code: str) -> None:
    """GIVEN an error, alone or as the cause of the cause of another THEN its code is the same."""
    inner, outer = GenerationError("a block"), GenerationError("twenty in a row")
    inner.__cause__, outer.__cause__ = cause, inner
    assert [code_of(error) for error in (cause, inner, outer)] == [code] * 3
