"""Lines of any log that may hold the kernel's words: what stands before a message says whose it is.

`dmesg` (its plain, `-T`, `-x`, `--time-format` forms), `journalctl -k`, syslog, `/dev/kmsg` and Fly's logs are told
by their prefix. A line of another program that quotes the kernel is not the kernel's. A line without any prefix may be
either: it is taken for the kernel's, as `dmesg -t` and our own older `kernel.log` have it, where it is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from profiles.fly_log import FlyLine, parse_fly, parse_fly_json
from profiles.json_line import JsonObject, parse_json
from profiles.kmsg import parse_record

Writer = Literal["kernel", "unmarked", "platform", "other"]
"""Whose a line is: the kernel's, perhaps the kernel's, Fly's own, or anybody else's."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RECORD = re.compile(r"\d+,\d+,\d+,[^;]*;")
_PRIORITY = re.compile(r"<(?P<priority>\d{1,3})>(?P<version>1 )?")
_FACILITY = re.compile(r"(?P<facility>[a-z0-9]+) *:[a-z]+ *: ")
_UPTIME = re.compile(r"\[ *(?P<at>\d+\.\d+)(?: <[ +]*\d+\.\d+>)?\](?:\[ *[TC]\d+\])? ?")
_CLOCK = re.compile(r"\[(?P<at>[^\[\]]*\d{1,2}:\d\d[^\[\]]*|[ +]*\d+\.\d+)\](?:\[ *[TC]\d+\])? ?")
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_DMESG_ISO = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d+(?:[+-]\d\d:?\d\d)?) ")
_SYSLOG = re.compile(
    rf"(?P<at>[^\W\d]\w+\.? +\d{{1,2}} (?:\d{{4}} )?\d\d:\d\d:\d\d(?:\.\d+)?|{_ISO}) +"
    r"(?P<host>\S+) +(?P<tag>[^\s:\[]+)(?:\[\d+\])?: ?"
)
_SYSLOG_UPTIME = re.compile(r"\[ *(?P<at>\d+\.\d+)\] (?P<host>\S+) (?P<tag>kernel): ?")
_RFC5424 = re.compile(rf"(?P<at>{_ISO}|-) (?P<host>\S+) (?P<tag>\S+) \S+ \S+ (?:-|\[.*?\])(?: |$)")


@dataclass(frozen=True)
class LogLine:
    """One line: the message, whose it is, the machine that it is of where the line says, and when, as it says."""

    message: str
    by: Writer
    source: str = ""
    at: str | None = None


def parse_line(text: str) -> LogLine:
    """Return a line of a log without what stands before its message."""
    text = _COLOUR.sub("", text.rstrip("\r\n")).lstrip("\ufeff\0")
    if (found := parse_json(text)) is not None:
        return _of_json(found)
    if (fly := parse_fly(text)) is not None:
        return _of_fly(fly)
    if _RECORD.match(text):
        record = parse_record(text)
        return (
            LogLine(text, "other")
            if record is None
            else LogLine(record.message, "kernel", at=_seconds(record.kernel_t))
        )
    return _of_text(text)


def _of_text(text: str) -> LogLine:
    text, by, version = _priority(text)
    match = _RFC5424.match(text) if version else _SYSLOG.match(text) or _SYSLOG_UPTIME.match(text)
    if match is not None:
        if match["tag"] != "kernel" or by == "other":
            return LogLine(text[match.end() :], "other", match["host"])
        stamped = _stamped(text[match.end() :])
        at = match["at"] if match["at"] != "-" else None
        return LogLine(stamped.message, "kernel", match["host"], at)
    stamped = _stamped(text)
    return LogLine(
        stamped.message, "other" if by == "other" else stamped.by if by is None else by, at=stamped.at
    )


def _priority(text: str) -> tuple[str, Writer | None, bool]:
    """Return the text behind a priority, whose it is by its facility, and whether it is of RFC 5424."""
    if (match := _PRIORITY.match(text)) is not None:
        by: Writer = "kernel" if int(match["priority"]) >> 3 == 0 else "other"
        return text[match.end() :], by, match["version"] is not None
    if (match := _FACILITY.match(text)) is not None:
        return text[match.end() :], "kernel" if match["facility"] == "kern" else "other", False
    return text, None, False


def _stamped(text: str) -> LogLine:
    """Return a message behind one of the kernel's own stamps; without a stamp it is unmarked."""
    for stamp in (_UPTIME, _CLOCK, _DMESG_ISO):
        if (match := stamp.match(text)) is not None:
            at = match["at"].strip()
            return LogLine(text[match.end() :], "kernel", at=_seconds(float(at)) if stamp is _UPTIME else at)
    return LogLine(text, "unmarked")


def _of_fly(line: FlyLine) -> LogLine:
    """Return a line of Fly's: the console shows the kernel's messages with their stamp among the program's own."""
    if line.provider != "app":
        return LogLine(line.message, "platform", line.machine, line.at)
    stamp = _UPTIME.match(line.message.lstrip())
    if stamp is not None:
        return LogLine(line.message.lstrip()[stamp.end() :], "kernel", line.machine, line.at)
    by: Writer = "platform" if line.by_init else "other"
    return LogLine(line.message, by, line.machine, line.at)


def _of_json(found: JsonObject) -> LogLine:
    """Return the line of a JSON object: of `fly logs --json`, or of `journalctl -o json`."""
    if (fly := parse_fly_json(found)) is not None:
        return _of_fly(fly)
    message = found.get("MESSAGE")
    if isinstance(message, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in message):
        message = bytes(message).decode(errors="replace")
    if found.get("_TRANSPORT") == "kernel" and isinstance(message, str):
        at = _stamped(message)
        return LogLine(at.message, "kernel", str(found.get("_HOSTNAME", "")), _realtime(found))
    return LogLine("", "other")


def _realtime(found: JsonObject) -> str | None:
    try:
        stamp_s = int(str(found.get("__REALTIME_TIMESTAMP"))) / 1e6
        return datetime.fromtimestamp(stamp_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(uptime_s: float) -> str:
    return f"{uptime_s:.6f}"
