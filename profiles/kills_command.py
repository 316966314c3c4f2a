"""`oomproof kills`: who was killed for memory, out of a kernel's log or Fly's."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

from rich.console import Console

from profiles.errors import EXIT_NOT_MET, EXIT_OK, OomproofError
from profiles.kernel_log import KernelKill, Task
from profiles.log_kills import LoggedKill, read_kills, read_lines

EXAMPLES = """examples:
  dmesg | oomproof kills -                      on this machine (root, where dmesg is restricted)
  journalctl -k | oomproof kills -              also of earlier starts, with --boot
  fly logs --no-tail | oomproof kills -         of an application on Fly; fly logs --json too
  oomproof kills reports/runs/x/live/kernel.log --json

exit codes: 0 nobody was killed, 1 somebody was, 2 wrong use"""
MOST_NAMES = 6
"""So many of the names that were alive at a kill are shown, those that held most."""
MOST_VICTIMS = 1000
"""Beyond so many different names the summary counts no new ones."""
MOST_CONTROL = 0.05
"""A file of which more than this is control characters is packed, a journal, or UTF-16: of packed bytes a tenth are."""
_PEEKED = 8192
_TEXT = bytes({*range(256)} - {*range(32)} | {*b"\t\n\r\x1b"})
WIDTHS = (20, 16, 8, 10)
"""Of the columns of time, name, pid and size; what is left of 80 is the limit's."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "kills",
        help="who was killed for memory, from a log of the kernel or of Fly",
        description="Reads a log (dmesg, journalctl, syslog, /dev/kmsg, fly logs) and says who was killed for memory.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="the log; - is the standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Print the kills as they are found; return whether there was any.

    Raises:
        OomproofError: the file cannot be read.
    """
    with _opened(chosen.file) as stream:
        _check_text(stream, chosen.file)
        kills = read_kills(_readable(stream, chosen.file))
        try:
            count = _print_json(kills) if chosen.json else _print_table(kills)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read what we print has seen enough, and that was a kill
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_NOT_MET
    return EXIT_NOT_MET if count else EXIT_OK


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        if sys.stdin is None:  # as Python has it where whoever started us closed it
            raise OomproofError("-: the standard input is closed. Pipe a log to it, or give a log's file.")
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise _unreadable(file, error) from None


def _check_text(stream: BinaryIO, file: str) -> None:
    """Refuse what is no text: no kill is found in it, and that would read as if nobody had been killed."""
    try:
        begins = cast("BufferedReader", stream).peek(_PEEKED).lstrip(b"\0")  # a crash leaves zeros in a log
    except OSError as error:
        raise _unreadable(file, error) from None
    if len(begins.translate(None, _TEXT)) > MOST_CONTROL * len(begins):
        raise OomproofError(
            f"{file}: is no text, so nothing can be told. Unpack it (zcat), print it (journalctl --file), "
            "or have it as UTF-8 (iconv), and pipe that to `oomproof kills -`."
        )


def _readable(stream: BinaryIO, file: str) -> Iterator[str]:
    try:
        yield from read_lines(stream)
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: str, error: OSError) -> OomproofError:
    return OomproofError(f"{file}: {error.strerror}. Give a log's file, or - for the standard input.")


def _print_json(kills: Iterable[LoggedKill]) -> int:
    count = 0
    for count, logged in enumerate(kills, start=1):  # noqa: B007  # how many there were
        print(json.dumps(as_json(logged), ensure_ascii=False))
    return count


def as_json(logged: LoggedKill) -> dict[str, Any]:
    """Return a kill as `--json` prints it; null is what the log does not say."""
    kill = logged.kill
    facts = asdict(kill) if kill is not None else dict.fromkeys(KernelKill.__dataclass_fields__)
    del facts["again"]
    return {"at": logged.at, "machine": logged.source or None, "told_by": logged.told_by, **facts}


def _print_table(kills: Iterable[LoggedKill]) -> int:
    """Print a kill in a line and who else was alive in another, as they come: a log may have any number."""
    names: Counter[str] = Counter()
    for logged in kills:
        if not names:
            print(_row("when", "who", "pid", "size MB", "limit"))
        for line in kill_lines(logged):
            print(line)
        name = _name(logged.kill)
        names[name if name in names or len(names) < MOST_VICTIMS else "others"] += 1
    total = names.total()
    if not total:
        print("nobody was killed for memory")
        return 0
    print()
    print(f"{total} killed: {', '.join(f'{name} {count}' for name, count in names.most_common(MOST_NAMES))}")
    return total


def kill_lines(logged: LoggedKill) -> list[str]:
    """Return the lines of a table, 80 columns wide, that show a kill."""
    kill = logged.kill
    when = _when(logged.at)
    if kill is None:
        who = "its init" if logged.told_by == "init" else "Fly"
        lines = [_row(when, "not named", "", "", f"whole VM, says {who}")]
    else:
        size = "unknown" if kill.anon_rss_mb is None else f"{kill.anon_rss_mb:.1f}"
        lines = [_row(when, _name(kill), str(kill.pid), size, _limit(kill))]
        lines += _path(kill) + _alive(kill.alive)
    return [*lines, f"  on {_cut(logged.source, 74)}"] if logged.source else lines


def _limit(kill: KernelKill) -> str:
    if kill.whole_machine is None:
        return "unknown"
    if kill.whole_machine:
        return "whole machine"
    size = "" if kill.limit_mb is None else f" of {kill.limit_mb:.0f} MB"
    return f"group{size}{', all of it' if kill.group_kill else ''}"


def _path(kill: KernelKill) -> list[str]:
    """Return the group whose limit was hit; of a long path its end says most."""
    path = kill.memcg
    if path is None:
        return []
    return [f"  limit of {path if len(path) <= 68 else '…' + path[-67:]}"]


def _alive(alive: tuple[Task, ...] | None) -> list[str]:
    if alive is None:
        return ["  who else was alive the log does not say"]
    if not alive:
        return ["  nobody else was alive there"]
    counts = Counter(task.comm for task in alive)
    held_mb = dict.fromkeys(counts, 0.0)
    for task in alive:
        held_mb[task.comm] += task.rss_mb
    most = sorted(held_mb, key=lambda name: -held_mb[name])[:MOST_NAMES]
    named = [f"{name} {counts[name]} with {held_mb[name]:.0f} MB" for name in most]
    more = [f"{len(counts) - MOST_NAMES} more names"] if len(counts) > MOST_NAMES else []
    return _wrapped(f"alive besides: {', '.join(named + more)}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent="  ", subsequent_indent="    ")


def _when(at: str | None) -> str:
    return "unknown" if at is None else f"{at} s" if at.replace(".", "", 1).isdecimal() else at


def _name(kill: KernelKill | None) -> str:
    if kill is None:
        return "not named"
    return kill.comm or "unknown"


def _row(*cells: str) -> str:
    """Return cells in columns; the time and a name take the room they need, for a date cut short is none."""
    line = ""
    edge = 0
    for cell, width in zip(cells, (*WIDTHS, 0), strict=True):
        line = f"{line.ljust(edge)}{' ' if line and len(line) >= edge else ''}{cell}"
        edge += width
    return line.rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
