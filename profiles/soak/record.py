"""`soak.json` and `state.json`: what was asked, each start of the soak, and where the next one goes on."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from profiles.attach import last_sample
from profiles.errors import OomproofError
from profiles.event_log import EVENTS_FILE
from profiles.soak.alarms import ALARMS_FILE
from profiles.soak.asked import Asked
from profiles.soak.moments import Anchor

SOAK_FILE, STATE_FILE, LOCK_FILE = "soak.json", "state.json", "soak.lock"
APPENDED = (EVENTS_FILE, "samples.csv", "requests.csv", "generator.csv", ALARMS_FILE)


class Record:
    """The soak's own files in a run folder, held by one process at a time.

    Raises:
        OomproofError: another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = os.open(folder / LOCK_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise OomproofError(
                f"--resume {folder}: a soak writes into it now. End that one first."
            ) from None

    def begin(self, asked: Asked, part: Mapping[str, object]) -> int:
        """Note that a part begins, the first or one more; return its number, from 1."""
        known = read_soak(self.folder)
        parts = [*known.get("parts", []), dict(part)]
        _replace(self.folder / SOAK_FILE, {"asked": asked.to_json(), "parts": parts, "finished": False})
        return len(parts)

    def end(self, reason: str, *, finished: bool) -> None:
        """Note how this part ended, and whether the soak is done."""
        known = read_soak(self.folder)
        known["parts"][-1] |= {"ended_at": utc_now(), "ended_because": reason}
        _replace(self.folder / SOAK_FILE, {**known, "finished": finished})

    def keep(self, anchor: Anchor, watched_s: float, sources: Mapping[str, object], **more: object) -> None:
        """Note where a soak that is started again goes on."""
        state = {"anchor": asdict(anchor), "watched_s": round(watched_s, 2), "sources": sources, **more}
        _replace(self.folder / STATE_FILE, state)

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._lock)


def read_soak(folder: Path) -> dict[str, Any]:
    """Return `soak.json`; empty where there is none."""
    return _read(folder / SOAK_FILE)


def read_state(folder: Path) -> dict[str, Any]:
    """Return `state.json`; empty where a soak was killed before it noted anything."""
    return _read(folder / STATE_FILE)


def asked_before(folder: Path, target: str | None) -> Asked:
    """Return what the soak in a folder was asked for.

    Raises:
        OomproofError: there is none, it is another target's, or it is over.
    """
    known = read_soak(folder)
    try:
        asked = Asked.from_json(known["asked"])
    except (KeyError, TypeError, AttributeError):
        raise OomproofError(
            f"--resume {folder}: no soak that was begun is in it. Give the folder of one."
        ) from None
    if target is not None and target.rstrip("/") != asked.target:
        raise OomproofError(
            f"--resume {folder}: it is a soak of {asked.target}, not of {target}. Leave --target out."
        )
    if known.get("finished"):
        raise OomproofError(
            f"--resume {folder}: that soak is over; its report is there. Begin a new one with --out."
        )
    return asked


def anchor_of(state: Mapping[str, Any]) -> Anchor | None:
    """Return the moment that was noted last."""
    try:
        return Anchor(**state["anchor"])
    except (KeyError, TypeError):
        return None


def repair(folder: Path) -> dict[str, int]:
    """Cut off the line that each appended file was torn in; return by file how many bytes that were."""
    cut = {}
    for name in APPENDED:
        path = folder / name
        if path.exists() and (torn := _torn_bytes(path)):
            os.truncate(path, path.stat().st_size - torn)
            cut[name] = torn
    return cut


def last_t(folder: Path) -> float:
    """Return the time of the last sample; before all time where there is none."""
    try:
        return float(last_sample(folder).get("t", -math.inf))
    except ValueError:
        return -math.inf


def utc_now() -> str:
    """Return this moment in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _torn_bytes(path: Path) -> int:
    """Return how many bytes stand behind the last newline; a line longer than a MB is no line of ours."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2**20))
        end = file.read()
    return len(end) - (end.rfind(b"\n") + 1)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, facts: Mapping[str, object]) -> None:
    aside = path.with_suffix(".tmp")
    with aside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    aside.replace(path)
