"""How the preparation tells what it does: lines, and counts among them that do not flood."""

import time
from collections.abc import Callable

Tell = Callable[[str], None]
"""Takes one line for the person who waits."""

PROGRESS_EVERY_S = 2.0


class Progress:
    """Lines such as ``pre-generated 40/160``, at most one every two seconds, always the last, none twice."""

    def __init__(self, what: str, tell: Tell) -> None:
        self._what = what
        self._tell = tell
        self._told_t = 0.0
        self._told = ""

    def say(self, done: int, total: int) -> None:
        """Says how far it is."""
        now, line = time.monotonic(), f"{self._what} {done}/{total}"
        if line != self._told and (done >= total or now - self._told_t >= PROGRESS_EVERY_S):
            self._told_t, self._told = now, line
            self._tell(line)
