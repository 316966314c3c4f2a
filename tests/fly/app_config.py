"""What a fly.toml says of an app, as far as the stand-in keeps to it."""

from __future__ import annotations

import signal
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiles.vm_size import VmSize, read_fly_toml
from tests.fly.restart_policy import MOST_RESTARTS, Policy

KILL_TIMEOUT_S = 5.0
"""Fly's own, where fly.toml says none."""


@dataclass(frozen=True)
class AppConfig:
    """An app: its VM, its environment, how its machine is restarted and stopped."""

    app: str
    region: str
    size: VmSize
    environment: Mapping[str, str]
    policy: Policy
    retries: int
    kill_signal: signal.Signals
    kill_timeout_s: float


def read_app_config(path: Path) -> AppConfig:
    """Return what a fly.toml says, with Fly's own values for what it leaves out."""
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    restart = _first(found.get("restart"))
    return AppConfig(
        app=str(found["app"]),
        region=str(found.get("primary_region", "cdg")),
        size=read_fly_toml(path),
        environment={name: str(value) for name, value in found.get("env", {}).items()},
        policy=restart.get("policy", "on-failure"),
        retries=int(restart.get("retries", MOST_RESTARTS)),
        kill_signal=signal.Signals[found.get("kill_signal", "SIGINT")],
        kill_timeout_s=_seconds(found.get("kill_timeout", KILL_TIMEOUT_S)),
    )


def _first(value: object) -> dict[str, Any]:
    """Return a table, or the first of a list of tables: fly.toml takes either."""
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float:
    """Return the seconds of `30` or `"30s"` or `"2m"`."""
    text = str(value)
    factor = {"s": 1.0, "m": 60.0}.get(text[-1])
    return float(text) if factor is None else float(text[:-1]) * factor
