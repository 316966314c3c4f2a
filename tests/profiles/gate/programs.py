"""Tiny programs in the place of a gate's trials: real processes, each of which ends in milliseconds, as it is told."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

from profiles import processes

MADE = "folder.mkdir()"
BEGIN = """
import json, os, pathlib, signal, sys, time
told = json.loads(pathlib.Path(sys.argv[1]).read_text())
folder = pathlib.Path(told["folder"])
here = pathlib.Path(__file__).parent


def note(word):
    with (here / "noted").open("a") as file:
        file.write(f"{word} {folder.name}\\n")


def noted(word, of):
    path = here / "noted"
    return path.exists() and f"{word} {of}\\n" in path.read_text()


def await_note(word, of):
    deadline = time.monotonic() + 20
    while not noted(word, of):
        if time.monotonic() > deadline:
            sys.exit(f"never noted: {word} {of}")
        time.sleep(0.002)


def forever():
    note("waits")
    while True:
        time.sleep(600)


note("begins")
"""


class Programs:
    """What was done in the place of trials; `acts` says what a trial of that folder's name does, else it is MADE."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.acts: dict[str, str] = {}

    def command(self, _module: str, told: Path) -> list[str]:
        """Return the command that is started in the place of a trial."""
        name = Path(json.loads(told.read_text())["folder"]).name
        program = self._folder / f"{told.stem}.py"
        program.write_text(f"{BEGIN}\n{textwrap.dedent(self.acts.get(name, MADE))}\nnote('ends')\n")
        return [sys.executable, "-I", "-S", str(program), str(told)]

    @property
    def noted(self) -> list[tuple[str, str]]:
        """What they noted, in the order of time: a word, and the folder's name."""
        path = self._folder / "noted"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(word, name) for word, _, name in (line.partition(" ") for line in lines)]

    def begun(self) -> list[str]:
        """The names of the trials that began, in that order."""
        return [name for word, name in self.noted if word == "begins"]

    def most_at_once(self) -> int:
        """How many ran at the same time at most."""
        running, most = 0, 0
        for word, _ in self.noted:
            running += {"begins": 1, "ends": -1}.get(word, 0)
            most = max(most, running)
        return most


def use_programs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Programs:
    """Have programs run in the place of trials."""
    folder.mkdir()
    programs = Programs(folder)
    monkeypatch.setattr(processes, "python_module", programs.command)
    monkeypatch.setattr("profiles.gate.trial_processes.LOOK_EVERY_S", 0.002)
    return programs
