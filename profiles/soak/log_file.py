"""A soak's fourth witness: a log file that somebody else's program appends to, such as `fly logs > app.log`.

`fly logs` prints the last lines once more each time it is started, and it ends now and then: the same words of the same
moment are one kill however often they stand there, and those of before the soak are not its own.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from profiles.fly_log import told_kill
from profiles.json_line import MOST_LINES
from profiles.log_kills import LONGEST_LINE, KillLog, LoggedKill
from profiles.log_lines import parse_line
from profiles.soak.findings import Finding, Told
from profiles.soak.moments import JUMP_S, Moment
from profiles.soak.web import Fault

MOST_BYTES = 8 * 1024 * 1024
"""So much is read at one look; what is left comes with the next."""
MOST_TOLD = 1000
"""Kills that are known again; what `fly logs` prints once more is some dozens of lines."""


class LogSource:
    """Reads what came since the last look; a file that was rotated is read from its start.

    `ahead` is how far Fly's clock is ahead of ours, as far as others found out.
    """

    name = "log"

    def __init__(self, path: Path, known: dict[str, object]) -> None:
        self._path = path
        self._log = KillLog()
        self._begun: list[str] = []
        offset, inode = known.get("offset"), known.get("inode")
        self._offset = offset if isinstance(offset, int) else None
        self._inode = inode if isinstance(inode, int) else None
        since_t, told = known.get("since_t"), known.get("told")
        self._since_t = float(since_t) if isinstance(since_t, int | float) else None
        self._told_before = deque(map(str, told) if isinstance(told, list) else (), maxlen=MOST_TOLD)
        self.ahead_s = 0.0

    def state(self) -> dict[str, object]:
        """Return up to where was read, since when, and which kills were told of."""
        return {
            "offset": self._offset,
            "inode": self._inode,
            "since_t": self._since_t,
            "told": list(self._told_before),
        }

    def look(self, now: Moment) -> Finding:
        """Return the kills that are told of in what came; at first nothing: what is there already was before us.

        Raises:
            Fault: the file cannot be read.
        """
        self._since_t = now.t if self._since_t is None else self._since_t
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if self._offset is None:
                    self._offset, self._inode = status.st_size, status.st_ino
                elif status.st_ino != self._inode or status.st_size < self._offset:
                    self._offset, self._inode, self._begun = 0, status.st_ino, []
                return Finding(events=tuple(self._kills(file, now)))
        except OSError as error:
            raise Fault("content", f"{self._path}: {error.strerror}") from None

    def _kills(self, file: BinaryIO, now: Moment) -> Iterator[Told]:
        file.seek(self._offset or 0)
        stop = file.tell() + MOST_BYTES
        while file.tell() < stop and (line := file.readline(LONGEST_LINE)):
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                break  # its end is not written yet
            self._offset = file.tell()
            for text in self._whole(line.decode(errors="replace")):
                yield from self._found(text, now)

    def _found(self, text: str, now: Moment) -> Iterator[Told]:
        """Yield the kill that a line tells of; what Fly says of one is told also where the kernel's line was."""
        line = parse_line(text)
        if line.by == "platform" and (by := told_kill(line.message)) is not None:
            told = self._told(LoggedKill(line.at, line.source, by), now)
        elif line.by != "platform" and (logged := self._log.read(text)) is not None:
            told = self._told(logged, now)
        else:
            return
        if self._is_news(told):
            yield told

    def _is_news(self, told: Told) -> bool:
        """Whether a kill is of this soak's time and was not told of yet; of one without a date nobody can say."""
        if _wall_s(str(told.facts["at"])) is None:
            return True
        if self._since_t is not None and told.t < self._since_t - JUMP_S:
            return False
        words = "\n".join(str(told.facts[name]) for name in ("machine", "at", "told_by", "line"))
        known = hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=8).hexdigest()
        if known in self._told_before:
            return False
        self._told_before.append(known)
        return True

    def _whole(self, line: str) -> Iterator[str]:
        """Yield the line, or the JSON object that it ends: `fly logs --json` spreads one over several lines."""
        if not self._begun and line.rstrip() != "{":
            yield line
            return
        self._begun.append(line)
        if line.rstrip() == "}":
            yield " ".join(part.strip() for part in self._begun)
            self._begun = []
        elif len(self._begun) > MOST_LINES:
            yield from self._begun
            self._begun = []

    def _told(self, logged: LoggedKill, now: Moment) -> Told:
        kill = logged.kill
        fly = f"Fly: its {logged.told_by} says that the server was killed for memory"
        facts: dict[str, object] = {
            "told_by": logged.told_by,
            "machine": logged.source,
            "at": logged.at,
            "offset": self._offset,
            "line": fly if kill is None else kill.line,
        }
        if kill is not None:
            facts |= {
                "pid": kill.pid,
                "comm": kill.comm,
                "anon_rss_mb": kill.anon_rss_mb,
                "rss_mb": kill.rss_mb,
            }
            facts["alive_processes"] = None if kill.alive is None else len(kill.alive)
        wall_s = _wall_s(logged.at)
        return Told(
            now.t if wall_s is None else min(now.t, now.of_wall(wall_s, self.ahead_s)), "log_kill", facts
        )


def _wall_s(at: str | None) -> float | None:
    """Return a line's time since 1970 where it has a date; seconds since a machine's start are none."""
    try:
        found = datetime.fromisoformat(at or "")
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
