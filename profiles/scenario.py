"""A scenario: VM, target, readers, pace and expectation, from one TOML file that is checked whole."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from profiles.errors import OomproofError
from profiles.vm_size import RESTED_BALANCE_S, VmSize, parse_memory_mb

SCENARIO_FOLDER = Path(__file__).resolve().parent.parent / "loadtests" / "scenarios"
LOADS = ("readers", "pregenerate", "probe")
MODES = ("live", "cached", "cached-to-the-letter")
VERDICTS = ("survived", "oom_killed", "crashed", "killed", "unhealthy", "invalid")


@dataclass(frozen=True)
class Load:
    """What is sent at the target: `readers` at `pace` for `session_s` seconds of session time.

    Readers share `chapters` chapters of about `blocks` blocks; they start within `start_spread_s` of session time.
    """

    kind: str = "readers"
    mode: str = "live"
    readers: int = 32
    pace: float = 5.0
    session_s: float = 600.0
    seed: int = 1
    chapters: int = 8
    blocks: int = 20
    start_spread_s: float = 5.0
    probes: int = 20


@dataclass(frozen=True)
class Expectation:
    """What the scenario is expected to show; what is None is not asked for."""

    verdict: str = "survived"
    server_killed: bool | None = None
    peak_tree_rss_mb_below: float | None = None
    stalls: int | None = None


@dataclass(frozen=True)
class Scenario:
    """One scenario as it will be run."""

    name: str
    description: str
    load: Load
    expect: Expectation
    pregenerated: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int | None = None
    balance_s: float = RESTED_BALANCE_S

    def vm_size(self, default: VmSize) -> VmSize:
        """Return the VM: the default one (fly.toml's) with this scenario's memory, if it names one."""
        return default if self.memory_mb is None else replace(default, memory_mb=self.memory_mb)

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
    except FileNotFoundError:
        raise OomproofError(
            f"scenario {name!r}: unknown. Choose one of {', '.join(scenario_names())}, or give a .toml file."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OomproofError(f"{path}: cannot be read: {error}.") from None
    return _parse(table, path)


def _parse(table: dict[str, Any], path: Path) -> Scenario:
    reader = _Reader(path)
    reader.known(table, "", ("description", "vm", "target", "load", "expect"))
    sections = {name: reader.section(table, name) for name in ("vm", "target", "load", "expect")}
    vm, target = sections["vm"], sections["target"]
    reader.known(vm, "vm.", ("memory", "balance_s"))
    reader.known(target, "target.", ("pregenerated", "environment"))
    environment = reader.section(target, "environment", "target.")
    return Scenario(
        name=path.stem,
        description=reader.value(table, "", "description", str, ""),
        load=_parse_load(sections["load"], reader),
        expect=_parse_expectation(sections["expect"], reader),
        pregenerated=reader.value(target, "target.", "pregenerated", bool, default=False),
        environment={key: str(value) for key, value in environment.items()},
        memory_mb=parse_memory_mb(vm["memory"], f"{path}: vm.memory") if "memory" in vm else None,
        balance_s=reader.number(vm, "vm.", "balance_s", RESTED_BALANCE_S, least=0),
    )


def _parse_load(table: dict[str, Any], reader: _Reader) -> Load:
    reader.known(table, "load.", tuple(Load.__dataclass_fields__))
    default = Load()
    whole = {
        key: int(reader.number(table, "load.", key, getattr(default, key), least=least, whole=True))
        for key, least in (("readers", 1), ("seed", 0), ("chapters", 1), ("blocks", 1), ("probes", 1))
    }
    return Load(
        kind=reader.choice(table, "load.", "kind", LOADS, default.kind),
        mode=reader.choice(table, "load.", "mode", MODES, default.mode),
        pace=reader.number(table, "load.", "pace", default.pace, least=0.01),
        session_s=reader.number(table, "load.", "session_s", default.session_s, least=1),
        start_spread_s=reader.number(table, "load.", "start_spread_s", default.start_spread_s, least=0),
        **whole,
    )


def _parse_expectation(table: dict[str, Any], reader: _Reader) -> Expectation:
    reader.known(table, "expect.", tuple(Expectation.__dataclass_fields__))
    peak = "peak_tree_rss_mb_below"
    return Expectation(
        verdict=reader.choice(table, "expect.", "verdict", VERDICTS, "survived"),
        server_killed=reader.value(table, "expect.", "server_killed", bool, default=None),
        peak_tree_rss_mb_below=reader.number(table, "expect.", peak, 0, least=1) if peak in table else None,
        stalls=int(reader.number(table, "expect.", "stalls", 0, least=0, whole=True))
        if "stalls" in table
        else None,
    )


@dataclass(frozen=True)
class _Reader:
    """Reads typed values out of a scenario's tables; every complaint names the file and the key."""

    path: Path

    def known(self, table: dict[str, Any], prefix: str, keys: tuple[str, ...]) -> None:
        for key in table:
            if key not in keys:
                raise OomproofError(
                    f"{self.path}: {prefix}{key}: unknown key. Known here: {', '.join(keys)}."
                )

    def section(self, table: dict[str, Any], key: str, prefix: str = "") -> dict[str, Any]:
        return dict(self.value(table, prefix, key, dict, {}))

    def value(self, table: dict[str, Any], prefix: str, key: str, kind: type, default: Any) -> Any:  # noqa: ANN401  # TOML values are what they are until checked here
        found = table.get(key, default)
        if key in table and not isinstance(found, kind):
            raise OomproofError(f"{self.path}: {prefix}{key}: {found!r} is not a {_KINDS[kind]}.")
        return found

    def number(
        self,
        table: dict[str, Any],
        prefix: str,
        key: str,
        default: float,
        *,
        least: float,
        whole: bool = False,
    ) -> float:
        found = table.get(key, default)
        kinds = int if whole else (int, float)
        if isinstance(found, bool) or not isinstance(found, kinds) or not least <= found < 1e9:
            kind = "whole number" if whole else "number"
            raise OomproofError(
                f"{self.path}: {prefix}{key}: {found!r} is not a {kind} of {least:g} or more."
            )
        return found

    def choice(
        self, table: dict[str, Any], prefix: str, key: str, choices: tuple[str, ...], default: str
    ) -> str:
        found = table.get(key, default)
        if found not in choices:
            raise OomproofError(f"{self.path}: {prefix}{key}: {found!r} is none of {', '.join(choices)}.")
        return str(found)


_KINDS: dict[type, str] = {str: "text", bool: "true or false", dict: "table"}
