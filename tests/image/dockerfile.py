"""A Dockerfile as its tests see it: stages and instructions, nothing carried out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals, its flags, and the rest of it in one line."""

    name: str
    flags: Mapping[str, str]
    value: str
    line: int

    @property
    def words(self) -> list[str]:
        """The rest of it: the list, where it is one in JSON, else as a shell would cut it."""
        if self.value.startswith("["):
            found = json.loads(self.value)
            assert isinstance(found, list)
            return found
        return shlex.split(self.value)

    @property
    def is_exec_form(self) -> bool:
        """Whether no shell is started for it."""
        return self.value.removeprefix("CMD ").startswith("[")


@dataclass(frozen=True)
class Stage:
    """What lies between one FROM and the next."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def last(self, name: str) -> Instruction | None:
        """Return the last instruction of a name, which is the one that counts."""
        return next((one for one in reversed(self.instructions) if one.name == name), None)


@dataclass(frozen=True)
class Dockerfile:
    """Its stages by name, in order; `arguments` are those before the first, with their defaults."""

    arguments: Mapping[str, str]
    stages: Mapping[str, Stage]

    @property
    def last(self) -> Stage:
        """What is built unless another is asked for."""
        return list(self.stages.values())[-1]

    def lineage(self, name: str) -> list[Stage]:
        """Return a stage after all it stands on, the lowest first."""
        stage = self.stages[name]
        below = self.lineage(stage.base) if stage.base in self.stages else []
        return [*below, stage]


def parse(path: Path) -> Dockerfile:
    """Read a Dockerfile; of its language only what ours uses."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    name, base, begun = "", "", list[Instruction]()
    for one in _instructions(path.read_text("utf-8")):
        if one.name == "FROM":
            if name:
                stages[name] = Stage(name, base, tuple(begun))
            base, as_, name = one.value.split()
            assert as_ == "AS", f"line {one.line}: a stage without a name"
            base, begun = expanded(base, arguments), []
        elif not name:
            assert one.name == "ARG", f"line {one.line}: {one.name} before FROM"
            key, _, default = one.value.partition("=")
            arguments[key] = default
        else:
            begun.append(one)
    stages[name] = Stage(name, base, tuple(begun))
    return Dockerfile(arguments, stages)


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Put in the variables; one that is not known is an error."""
    return _VARIABLE.sub(lambda found: variables[found[1] or found[2]], text)


def _instructions(text: str) -> Iterator[Instruction]:
    gathered, begins = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        begins = begins or number
        gathered += " " + stripped.removesuffix("\\").rstrip()
        if not stripped.endswith("\\"):
            yield _instruction(gathered.strip(), begins)
            gathered, begins = "", 0
    assert not gathered, f"line {begins}: goes on after the end of the file"


def _instruction(text: str, line: int) -> Instruction:
    name, _, rest = text.partition(" ")
    flags: dict[str, str] = {}
    while found := _FLAG.match(rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(name.upper(), flags, rest.strip(), line)
