import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "reader_script.py"


def test_a_request_that_is_given_up_ends_at_once_and_the_others_with_the_session(
    stub: Callable[..., Any],
) -> None:
    """GIVEN two requests that are never answered WHEN one is given up THEN its row is a 499, and reading goes on."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), stub(whisper="never").url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        [7, "chunk", 200, "needed"],
        [7, "play", 200, "asked:chunk"],
        [7, "unhighlighted", 0, ""],
        [7, "whisper", 499, "first"],
        [7, "chunk", 200, "needed"],
        [7, "whisper", 499, "first"],
    ]
