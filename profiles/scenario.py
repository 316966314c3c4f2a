"""A scenario: VM, target, readers, pace and expectation, from one TOML file that is checked whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from profiles.errors import OomproofError
from profiles.health import HEALTH_PATH
from profiles.load_words import check_fault, check_latency, mix_kinds
from profiles.target_command import check_path, check_text, check_variable, split_command
from profiles.vm_size import RESTED_BALANCE_S, VmSize, parse_memory_mb

SCENARIO_FOLDER = Path(__file__).resolve().parent.parent / "loadtests" / "scenarios"

Verdict = Literal["survived", "oom_killed", "crashed", "killed", "unhealthy", "invalid"]
Mode = Literal["live", "cached", "hybrid", "cached-to-the-letter"]
COMMAND = "command"
"""The kind of load that is a program of somebody's own."""
OWN_SETTINGS = frozenset(
    {"HOST", "PORT", "DOCSTORE_DIR", "API_BASE", "API_KEY", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONHOME"}
)
"""Settings of the reference server that a run decides itself; the last say whose code it is."""
PROBED_MODES: tuple[Mode, ...] = ("live", "cached")
"""Modes that differ in how a single first block is asked for."""
MemoryMb = Annotated[int, BeforeValidator(parse_memory_mb)]
Command = Annotated[tuple[str, ...], BeforeValidator(split_command)]
"""A program and its arguments, written as one line or as a list; no shell reads it."""


def check_folder(name: str) -> str:
    """Return a scenario's name, which its folder bears, else raise ValueError with the way out."""
    if name in {"", ".", ".."} or "/" in name or not name.isprintable():
        raise ValueError("no name of a folder. Write one without /, such as my-server, or leave it out")
    return name


class _Table(BaseModel):
    """A TOML table: no unknown key, no value taken for another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Vm(_Table):
    """The VM, where it differs from the one in fly.toml; `balance_s` is the CPU time saved at the start."""

    memory_mb: MemoryMb | None = Field(default=None, alias="memory")
    swap_mb: MemoryMb | None = Field(default=None, alias="swap")
    balance_s: float = Field(default=RESTED_BALANCE_S, ge=0, le=RESTED_BALANCE_S)


class Target(_Table):
    """The server that is tested: the reference server unless a `command` is given.

    Its settings, and whether its chunks are made before the readers come. Of a command, where it listens (a free
    port where none is given) and the path that answers when it is healthy.
    """

    command: Command | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    health: Annotated[str, AfterValidator(check_path)] | None = None
    pregenerated: bool = False
    environment: dict[
        Annotated[str, AfterValidator(check_variable)], Annotated[str, AfterValidator(check_text)]
    ] = {}

    @property
    def decided(self) -> frozenset[str]:
        """Settings that a run decides itself: the port that it asks, and all that leads our own server."""
        return OWN_SETTINGS if self.command is None else frozenset({"PORT"})

    @property
    def health_path(self) -> str:
        """Where it says that it is healthy."""
        return HEALTH_PATH if self.command is None else self.health or "/"

    @model_validator(mode="after")
    def _is_of_a_command(self) -> Self:
        alone = self.model_fields_set & {"port", "health"}
        if self.command is None and alone:
            raise ValueError(
                f"{min(alone)}: the reference server has its own. Give a command too, or leave it out"
            )
        if taken := self.decided & self.environment.keys():
            raise ValueError(
                f"environment.{min(taken)}: oomproof sets it itself. Leave it out (see also target.port)"
            )
        return self


class Load(_Table):
    """What is sent at the target.

    `readers` people, of whom `mix` says what kinds they are, read for `session_s` seconds of session time at
    `pace`; they share `chapters` chapters of about `blocks` blocks, and are played by `processes` processes.
    Each reads `sessions` sessions, one after the other, and every time as somebody else.
    `pregenerate` makes those chapters' chunks; `probe` asks for `probes` first blocks, one after the other.
    `command` is a program of somebody's own, for a server that speaks something else.
    """

    kind: Literal["readers", "pregenerate", "probe", "command"] = "readers"
    command: Command | None = None
    mode: Mode = "live"
    mix: str = "steady"
    readers: int = Field(default=32, ge=1)
    processes: int = Field(default=1, ge=1)
    pace: float = Field(default=5.0, gt=0)
    session_s: float = Field(default=600.0, ge=1)
    sessions: int = Field(default=1, ge=1)
    seed: int = Field(default=1, ge=0)
    chapters: int = Field(default=8, ge=1)
    blocks: int = Field(default=20, ge=1)
    probes: int = Field(default=20, ge=1)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of people in the mix."""
        return mix_kinds(self.mix)

    @property
    def reads(self) -> bool:
        """Whether it reads a document aloud, as the reference server's readers do."""
        return self.kind != COMMAND

    @model_validator(mode="after")
    def _has_its_command(self) -> Self:
        if (self.kind == COMMAND) != (self.command is not None):
            raise ValueError('kind = "command" and a command go together. Give both, or neither')
        return self

    @field_validator("mix")
    @classmethod
    def _is_known(cls, mix: str) -> str:
        mix_kinds(mix)
        return mix

    @field_validator("mode")
    @classmethod
    def _can_be_probed(cls, mode: Mode, load: ValidationInfo) -> Mode:
        if load.data.get("kind") == "probe" and mode not in PROBED_MODES:
            raise ValueError(f"a probe asks for one block. Use {' or '.join(PROBED_MODES)}")
        return mode


class SpeechUpstream(_Table):
    """The speech upstream's stand-in: its latency in seconds at pace 1, and what goes wrong there on purpose."""

    latency: Annotated[str, AfterValidator(check_latency)] = "2-5"
    faults: list[Annotated[str, AfterValidator(check_fault)]] = []


class Expectation(_Table):
    """What the scenario is expected to show; what is None is not asked for."""

    verdict: Verdict = "survived"
    server_killed: bool | None = None
    peak_tree_rss_mb_below: float | None = Field(default=None, gt=0)
    stalls: int | None = Field(default=None, ge=0)
    fallbacks: int | None = Field(default=None, ge=0)


class Scenario(_Table):
    """One scenario as it will be run."""

    name: Annotated[str, AfterValidator(check_folder)]
    description: str = ""
    vm: Vm = Vm()
    target: Target = Target()
    load: Load = Load()
    upstream: SpeechUpstream = SpeechUpstream()
    expect: Expectation = Expectation()

    @property
    def speaks(self) -> bool:
        """Whether it needs a speech API: always, but where both target and load are commands that ask for none."""
        return self.target.command is None or self.load.reads or "upstream" in self.model_fields_set

    def vm_size(self, default: VmSize) -> VmSize:
        """Return the VM: the default one (fly.toml's) with this scenario's memory and swap, if it names any."""
        given = {"memory_mb": self.vm.memory_mb, "swap_mb": self.vm.swap_mb}
        return replace(default, **{name: value for name, value in given.items() if value is not None})

    @property
    def ends_after_kill(self) -> bool:
        """Whether the run is over once the server was killed, restarted and served a block again."""
        return self.expect.verdict == "oom_killed"


def scenario_names() -> list[str]:
    """Return the names of the scenarios that come with the project."""
    return sorted(path.stem for path in SCENARIO_FOLDER.glob("*.toml"))


def load_scenario(name: str) -> Scenario:
    """Return a scenario by its name or by the path of a TOML file.

    Raises:
        OomproofError: it is unknown, or has a mistake; names file, key and value.
    """
    path = Path(name) if name.endswith(".toml") else SCENARIO_FOLDER / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Scenario.model_validate({"name": path.stem, **table})
    except FileNotFoundError:
        if path == Path(name):
            raise OomproofError(f"scenario {name}: no such file. Check its path.") from None
        raise OomproofError(
            f"scenario {name!r}: unknown. Choose one of {', '.join(scenario_names())}, or give a .toml file."
        ) from None
    except OSError as error:
        raise OomproofError(f"{path}: cannot be read: {error.strerror}. Give another file.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OomproofError(f"{path}: cannot be read: not TOML: {error}. Mend it there.") from None
    except ValidationError as error:
        raise OomproofError(f"{path}: {explain(error)}") from None


def with_load(scenario: Scenario, **changes: object) -> Scenario:
    """Return the scenario with other load settings (None: as it was), checked like the file.

    Raises:
        OomproofError: a value does not fit; names it.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        load = Load.model_validate({**scenario.load.model_dump(), **given})
    except ValidationError as error:
        raise OomproofError(f"--{explain(error).replace('_', '-', 1)}") from None
    return scenario.model_copy(update={"load": load})


def with_upstream(scenario: Scenario, latency: str | None, faults: Sequence[str]) -> Scenario:
    """Return the scenario with another latency (None: as it was) and other faults (none: as they were).

    Raises:
        OomproofError: a value does not fit; names it.
    """
    if latency is None and not faults:
        return scenario
    known = scenario.upstream
    given = {"latency": known.latency if latency is None else latency, "faults": list(faults) or known.faults}
    try:
        upstream = SpeechUpstream.model_validate(given)
    except ValidationError as error:
        raise OomproofError("--" + re.sub(r"^faults\.\d+", "fault", explain(error))) from None
    return scenario.model_copy(update={"upstream": upstream})


def with_target(
    scenario: Scenario, command: str | None, port: int | None = None, health: str | None = None
) -> Scenario:
    """Return the scenario with another server as its target (None: what it was), checked like the file.

    Raises:
        OomproofError: a value does not fit; names it.
    """
    given = {"command": command, "port": port, "health": health}
    known = scenario.target.model_dump(exclude_unset=True)
    try:
        target = Target.model_validate(
            {**known, **{key: value for key, value in given.items() if value is not None}}
        )
    except ValidationError as error:
        raise OomproofError(f"--{explain(error)}") from None
    return scenario.model_copy(update={"target": target})


def explain(error: ValidationError) -> str:
    """Return the first mistake in one line: key, value, what it should be."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key. The scenarios that come with oomproof show every key there is."
    if isinstance(first["input"], dict):  # a table whose values do not go together: it says itself which
        return f"{key}: {first['msg'].removeprefix('Value error, ')}.".removeprefix(": ")
    return f"{key}: {first['input']!r}: {first['msg'].removeprefix('Value error, ')}."
