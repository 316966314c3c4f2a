"""docs/reference/soak.md names what a soak writes and what it warns of: no more, no less."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from profiles.soak.alarms import ALARMS_FILE
from profiles.soak.record import LOCK_FILE, SOAK_FILE, STATE_FILE

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
SOURCES = [ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "profiles" / "soak").glob("*.py"))]


def first_cells(page: str, heading: str) -> set[str]:
    """What stands in back quotes in the first cells of the table below a heading."""
    section = re.split(
        r"^#+ ", (REFERENCE / page).read_text("utf-8").split(f"# {heading}\n")[1], flags=re.MULTILINE
    )[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def made(name: str, argument: int) -> Iterator[str]:
    """The texts that are handed, as that argument, to what is called so."""
    for source in SOURCES:
        for call in ast.walk(source):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == name and len(call.args) > argument:
                yield from (text for text in texts(call.args[argument]) if re.fullmatch(r"[a-z_]+", text))


def test_every_event_of_a_soak_is_documented() -> None:
    """GIVEN the events that a soak tells of THEN this page or a run's names each, and none too many is here."""
    own, of_any_run = first_cells("soak.md", "events.jsonl"), first_cells("run-folder.md", "events.jsonl")
    assert "restart_seen" in own
    assert set(made("Told", 1)) - own - of_any_run == set()
    assert own - {text for source in SOURCES for text in texts(source)} == set()


def test_every_alarm_is_documented() -> None:
    """GIVEN the thresholds that can be exceeded THEN the table of alarms names the same."""
    assert first_cells("soak.md", "Alarms") == {*made("Excess", 0), *made("_share", 0)}


def test_every_file_of_a_soak_is_documented() -> None:
    """GIVEN the files that only a soak writes THEN the page's first table names them."""
    assert {SOAK_FILE, STATE_FILE, LOCK_FILE, ALARMS_FILE} <= first_cells("soak.md", "What a soak writes")
