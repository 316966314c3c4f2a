"""What Fly prints: the lines of `fly logs`, as text and as JSON, and its own words about a kill.

The forms are those of `flyctl` (internal/render/logs.go, logs/entry.go) and of its machines' init, which looks for its
main child in the kernel's log once that has ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from profiles.json_line import JsonObject

Told = Literal["init", "machine"]
"""Who of Fly's says that there was a kill: the machine's init, or whoever runs the machine."""

_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?) +(?P<provider>\w+)(?:\[(?P<machine>[^\]\s]*)\])? +"
    r"(?P<region>[a-z]{3}) +\[(?P<level>[a-z]+)\](?P<message>.*)"
)
_INIT = re.compile(r"\s*(?:INFO|WARN|ERROR) (?P<said>.*)")
_INIT_KILLED = re.compile(r"\s*INFO Process appears to have been OOM killed!\s*$")
_MACHINE_KILLED = re.compile(r"""\boom_killed["']?\s*[=:]\s*true\b""")
_BY_INIT = ("Process appears to have been OOM killed!", "Main child exited")


@dataclass(frozen=True)
class FlyLine:
    """One line of Fly's log; `provider` is who printed it: `app` is the machine's console."""

    message: str
    at: str
    provider: str
    machine: str

    @property
    def by_init(self) -> bool:
        """Whether the machine's init printed it, and not the program in it."""
        match = _INIT.match(self.message)
        return match is not None and match["said"].startswith(_BY_INIT)


def parse_fly(text: str) -> FlyLine | None:
    """Return a line of `fly logs`, or None."""
    match = _LINE.match(text)
    if match is None:
        return None
    return FlyLine(match["message"], match["at"], match["provider"], match["machine"] or "")


def parse_fly_json(found: JsonObject) -> FlyLine | None:
    """Return a line of `fly logs --json`, or of Fly's log stream, or None."""
    meta, event, fly = (_object(found, key) for key in ("meta", "event", "fly"))
    provider = _object(meta, "event").get("provider") or event.get("provider")
    message = found.get("message")
    if not isinstance(provider, str) or not isinstance(message, str):
        return None
    machine = found.get("instance") or meta.get("instance") or _object(fly, "app").get("instance") or ""
    return FlyLine(message, str(found.get("timestamp", "")), provider, str(machine))


def told_kill(message: str) -> Told | None:
    """Return who of Fly's says in a message of its own that something was killed for memory, or None."""
    if _INIT_KILLED.match(message):
        return "init"
    return "machine" if _MACHINE_KILLED.search(message) else None


def _object(found: JsonObject, key: str) -> JsonObject:
    """Return an object within another by its key, whose case differs between Fly's forms."""
    value = next((value for name, value in found.items() if name.lower() == key), None)
    if not isinstance(value, dict):
        return {}
    return {name.lower(): inner for name, inner in value.items()}
