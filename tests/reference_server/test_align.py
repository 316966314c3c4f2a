"""The worker's side of its pipes; what it hears is tested with real speech."""

import json
import os
import subprocess
import sys

import pytest

# The real program, with an aligner that knows no text.
SCRIPT = """
import sys
from reference_server import align

class Deaf:
    def __init__(self, model): pass
    def align(self, text, mp3):
        if text == "bad":
            raise ValueError("two\\nlines")
        return []

align.KnownTextAligner = Deaf
sys.exit(align.main(["--model", "folder"]))
"""


def _start(stdout: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=stdout, stderr=pipe, text=True)


@pytest.mark.slow
def test_each_line_has_one_answer_and_the_end_of_input_is_the_end() -> None:
    """Words, a refusal of one line for an error, and one for what is no request; then it ends with 0."""
    lines = [json.dumps({"text": text, "mp3": "a.mp3"}) for text in ("good", "bad")]
    with _start(subprocess.PIPE) as process:
        answers, complaint = process.communicate("\n".join([*lines, "nonsense", ""]), timeout=60)
    assert (process.returncode, complaint) == (0, "")
    words, refusal, nonsense = map(json.loads, answers.splitlines())
    assert (words, refusal) == ([], {"error": "two lines"})
    assert set(nonsense) == {"error"}


@pytest.mark.slow
def test_a_worker_whose_server_is_gone_ends_quietly() -> None:
    """When nobody reads its answers it ends with 0 and without a traceback in a log that outlives the server."""
    reading, writing = os.pipe()
    os.close(reading)
    with _start(writing) as process:
        os.close(writing)
        _, complaint = process.communicate(json.dumps({"text": "good", "mp3": "a"}) + "\n", timeout=60)
    assert (process.returncode, complaint) == (0, "")
