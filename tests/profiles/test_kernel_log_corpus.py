"""The corpus of kernel log lines: every line has its expectation beside it, and damage never makes a wrong kill."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiles.kills_command import as_json
from profiles.log_kills import read_kills, read_lines

CORPUS = Path(__file__).parent / "data" / "kernel_log"
LOGS = sorted(CORPUS.glob("*.log"))
Kill = dict[str, Any]


def name(path: Path) -> str:
    """A log's name as a test's id."""
    return path.stem


def facts(kill: Any) -> Kill:
    """A kill as the corpus writes it: `--json` without the line, the sizes told twice and the victim's own group."""
    found = as_json(kill)
    alive = found.pop("alive")
    for key in ("line", "rss_mb", "task_memcg"):
        del found[key]
    rows = None if alive is None else [[task["pid"], task["comm"], task["rss_mb"]] for task in alive]
    return {**found, "alive": rows}


def kills_in(data: bytes) -> list[Kill]:
    """The kills of a log."""
    return [facts(kill) for kill in read_kills(read_lines(io.BytesIO(data)))]


def expected(log: Path) -> list[Kill | None]:
    """What each line of a log must give."""
    found: list[Kill | None] = json.loads(log.with_suffix(".json").read_text(encoding="utf-8"))["lines"]
    return found


def by_line(log: Path) -> list[Kill | None]:
    """What each line of a log gives."""
    lines = log.read_bytes().decode(errors="replace").split("\n")[:-1]
    found: list[Kill | None] = [None] * len(lines)
    at = -1

    def counting() -> Iterator[str]:
        nonlocal at
        for at, line in enumerate(lines):  # noqa: B007  # who reads knows how far it came
            yield line

    for kill in read_kills(counting()):
        assert found[at] is None
        found[at] = facts(kill)
    return found


def is_weaker(kill: Kill, whole: Kill) -> bool:
    """Whether a kill says nothing that another does not say; a log that lost lines knows less.

    Where the kernel's line is lost, Fly's words may tell of the kill, and its second naming where the first is.
    """
    if kill["pid"] is None:
        return bool(kill["machine"] == whole["machine"])
    alive = {tuple(task) for task in whole["alive"] or ()}
    same = ("machine", "told_by", "pid", "comm", "anon_rss_mb", "whole_machine", "memcg", "limit_mb")
    return all(kill[key] in (None, whole[key]) for key in same) and alive.issuperset(
        map(tuple, kill["alive"] or ())
    )


def are_weaker(kills: list[Kill], whole: list[Kill]) -> bool:
    """Whether each of the kills is another of those that the whole log tells of, or less known."""
    rest = list(whole)
    for kill in kills:
        known = next((other for other in rest if is_weaker(kill, other)), None)
        if known is None:
            return False
        rest.remove(known)
    return True


def test_there_is_a_corpus_and_every_log_of_it_has_its_expectation() -> None:
    """GIVEN the corpus THEN it is not empty, and no log or expectation stands alone."""
    assert len(LOGS) > 15
    assert {log.stem for log in LOGS} == {path.stem for path in CORPUS.glob("*.json")}


@pytest.mark.parametrize("log", LOGS, ids=name)
def test_every_line_gives_what_stands_beside_it(log: Path) -> None:
    """GIVEN a log THEN each line has an expectation, and gives that kill or none."""
    wanted = expected(log)
    assert len(wanted) == log.read_bytes().count(b"\n")
    assert by_line(log) == wanted
    assert kills_in(log.read_bytes()) == [kill for kill in wanted if kill is not None]


@pytest.mark.parametrize("log", LOGS, ids=name)
def test_a_log_that_lost_a_line_tells_no_kill_that_was_not(log: Path) -> None:
    """GIVEN a log WHEN any one line of it is lost THEN it tells the same kills, or fewer, or less of them."""
    lines = log.read_bytes().splitlines(keepends=True)
    whole = kills_in(log.read_bytes())
    for lost in range(len(lines)):
        kills = kills_in(b"".join(lines[:lost] + lines[lost + 1 :]))
        assert are_weaker(kills, whole), lines[lost]


@pytest.mark.parametrize("log", LOGS, ids=name)
def test_a_log_that_begins_late_tells_no_kill_that_was_not(log: Path) -> None:
    """GIVEN a log WHEN its first lines are gone THEN it tells the same kills, or fewer, or less of them."""
    lines = log.read_bytes().splitlines(keepends=True)
    whole = kills_in(log.read_bytes())
    for first in range(len(lines)):
        assert are_weaker(kills_in(b"".join(lines[first:])), whole), lines[first]


@pytest.mark.slow
@pytest.mark.parametrize("log", LOGS, ids=name)
def test_a_log_that_was_cut_off_anywhere_tells_no_kill_that_was_not(log: Path) -> None:
    """GIVEN a log WHEN it ends after any byte THEN it tells no kill that it had not told."""
    data = log.read_bytes()
    whole = kills_in(data)
    for end in range(len(data)):
        assert are_weaker(kills_in(data[:end]), whole), data[max(0, end - 40) : end]
