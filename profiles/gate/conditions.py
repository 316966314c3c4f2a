"""The conditions of a gate's runs: which of them must be the same before memory may be compared."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from profiles.gate.strict_json import Part, mistake
from profiles.run_folder import RunFolder, RunFolderError
from profiles.scenario import Load, SpeechUpstream, Target, Vm

MEMORY_WITHIN = 0.05
"""Machines of one kind differ by what kernel and firmware keep for themselves, and by no more than this share."""
_MIB_PER_GIB = 1024
_SHA_SHOWN = 12
_ANOTHER = "A gate compares runs of a scenario in a VM. Measure it again."
_TITLES = {
    "machine.cpu_model": "CPU model",
    "machine.cpus": "CPU cores",
    "machine.memory_gb": "memory of the machine, GB",
    "machine.kernel": "kernel",
    "machine.vm_backend": "what builds the VM",
    "python": "Python",
    "document_sha256": "document",
    "speech_api": "speech API",
    "profiled": "under memray",
    "at_once": "runs at once",
}


class Machine(Part):
    """What kind of machine it was; `kernel` is major.minor, `vm_backend` what built the VM's walls."""

    cpu_model: str | None = None
    cpus: int
    memory_gb: float
    kernel: str
    vm_backend: str


class VmConditions(Part):
    """The VM as it was made; `cpu_limited` None: the run is from before it was told."""

    memory_mb: int
    swap_mb: int = 0
    cpus: int
    share_of_core: float
    cpu_limited: bool | None = None


class ScenarioConditions(Part):
    """What a scenario does: its tables as they were used. What it is called and expects changes no memory."""

    load: Load
    vm: Vm
    target: Target
    upstream: SpeechUpstream = SpeechUpstream()


class Conditions(Part):
    """Under which conditions runs were made.

    `speech_api` is what `run.json` calls `upstream`, `profiled` whether the server ran under memray, and `at_once`
    how many runs shared the machine.
    """

    machine: Machine
    python: str
    document_sha256: str | None = None
    vm: VmConditions
    scenario: ScenarioConditions
    speech_api: str
    profiled: bool
    at_once: int
    versions: dict[str, str]


@dataclass(frozen=True)
class Differences:
    """Lines that name both values: what makes memory figures `incomparable`, and what is worth a remark only."""

    incomparable: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def conditions_of(run: RunFolder, at_once: int = 1) -> Conditions:
    """Return the conditions that a run's `run.json` tells; a key that an older run lacks has its default.

    `at_once` says how many runs shared the machine, which no run knows of itself.

    Raises:
        RunFolderError: it does not tell them, such as a run whose VM was never made.
    """
    known = _without_nulls(run.run)
    place = run.path / "run.json"
    try:
        machine, vm = known["machine"], known["vm"]
        told = {
            "machine": {
                **_only(machine, "cpu_model", "cpus"),
                "memory_gb": round(machine["memory_mb"] / _MIB_PER_GIB, 1),
                "kernel": _major_minor(machine["kernel"]),
                "vm_backend": vm["backend"],
            },
            "python": machine["python"],
            **_only(known, "document_sha256"),
            "vm": _only(vm, *VmConditions.model_fields),
            "scenario": _only(known["scenario"], *ScenarioConditions.model_fields),
            "speech_api": known["upstream"],
            "profiled": known["memray"],
            "at_once": at_once,
            "versions": known["versions"],
        }
        return Conditions.model_validate(told, by_name=True)
    except KeyError as error:
        raise RunFolderError(f"{place}: has no {error}. {_ANOTHER}") from None
    except (TypeError, AttributeError) as error:
        raise RunFolderError(f"{place}: {error}: not what a run writes. {_ANOTHER}") from None
    except ValidationError as error:
        raise RunFolderError(f"{place}: {mistake(error)}. {_ANOTHER}") from None


def differences(baseline: Conditions, now: Conditions) -> Differences:
    """Return how the conditions differ, each as one line with both values.

    Versions of packages make nothing incomparable: they may be the very change that is tested.
    """
    then, today = dict(_flat(baseline.model_dump(mode="json"))), dict(_flat(now.model_dump(mode="json")))
    incomparable, remarks = list[str](), list[str]()
    for key in {**then, **today}:
        was, is_now = then.get(key), today.get(key)
        if not _same(key, was, is_now):
            told = remarks if _is_remark(key, was, is_now) else incomparable
            told.append(f"{_title(key)}: {_shown(key, was)} in the baseline, {_shown(key, is_now)} now")
    return Differences(tuple(incomparable), tuple(remarks))


def _same(key: str, was: Any, is_now: Any) -> bool:
    if key == "machine.cpu_model" and was is None:
        return False  # a kernel that does not name its CPU may stand on any
    if key == "machine.memory_gb":
        return math.isclose(was, is_now, rel_tol=MEMORY_WITHIN)
    return bool(was == is_now)


def _is_remark(key: str, was: Any, is_now: Any) -> bool:
    return key.startswith("versions.") or (key == "python" and _major_minor(was) == _major_minor(is_now))


def _without_nulls(value: Any) -> Any:
    """Leave out what is null: that says the same as its absence, and a table knows its own defaults."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value


def _only(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}


def _major_minor(version: str) -> str:
    found = re.match(r"\d+\.\d+", version)
    return found[0] if found else version


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _title(key: str) -> str:
    if key in _TITLES:
        return _TITLES[key]
    table, _, name = key.partition(".")
    return {"versions": name, "scenario": f"scenario's {name}", "vm": f"VM's {name}"}.get(table, key)


def _shown(key: str, value: object) -> str:
    if key == "document_sha256" and isinstance(value, str):
        return f"{value[:_SHA_SHOWN]}…"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
