"""A gate's outcome on the page of a GitHub Actions run: Markdown appended to the file in `$GITHUB_STEP_SUMMARY`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST_BYTES = 1024 * 1024
"""Of a step's file in all. GitHub shows nothing of one that is larger ("upload aborted, supports content up to a size
of 1024k")."""
_CUT = "\n**Cut here: a step's summary holds 1 MiB. The whole is in gate.md.**\n"


def add_step_summary(
    markdown: str, tell: Callable[[str], None], environment: Mapping[str, str] = os.environ
) -> bool:
    """Append to the step's summary, where there is one; return whether all of it was.

    What does not fit is cut and says so there. Nothing here fails a gate: what cannot be written is told with `tell`.
    """
    name = environment.get(VARIABLE, "")
    if not name:
        return False
    path = Path(name)
    try:
        room = MOST_BYTES - (path.stat().st_size if path.exists() else 0)
        text = _fitting(markdown, room)
        with path.open("ab") as file:
            file.write(text)
    except OSError as error:
        tell(f"{VARIABLE} {name}: {error.strerror}. The summary is not on the run's page; see gate.md.")
        return False
    whole = text == _bytes(markdown)
    if not whole:
        tell(f"{VARIABLE} {name}: holds 1 MiB at most, so the summary is cut there. The whole is in gate.md.")
    return whole


def _fitting(markdown: str, room: int) -> bytes:
    """As many whole lines as fit with the remark on what is missing; nothing where not even that fits."""
    text = _bytes(markdown)
    if len(text) <= room:
        return text
    closing = "\n</details>\n"
    room -= len(_bytes(closing + _CUT))
    kept = text[: max(0, room)].rpartition(b"\n")[0].decode()
    if not kept:
        return b""
    is_open = kept.count("<details>") > kept.count(
        "</details>"
    )  # the remark would be hidden in what is folded
    return _bytes(f"{kept}\n{closing if is_open else ''}{_CUT}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")
