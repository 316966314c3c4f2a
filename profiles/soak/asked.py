"""What a soak was asked for: everything that it needs to go on, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from profiles.soak.alarms import Thresholds

NONE = "none"
OnAlarm = Literal["continue", "end"]
SESSION_S = 600.0
CHAPTERS, BLOCKS, SEED, MIX = 8, 20, 1, "steady"
"""As in every scenario unless it says otherwise."""
_MACAROONS = ("fm1r_", "fm1a_", "fm2_")
"""What tokens begin with that `fly tokens create` prints."""


@dataclass(frozen=True)
class Asked:
    """What was asked for at first. Seconds are wall seconds.

    `metrics`, `fly_prometheus` and `fly_machines` are addresses, empty where that witness is not heard;
    `header_names` and `webhook` say what must be given again to go on: no value, and of the webhook its host.
    """

    target: str
    mode: str = "cached"
    readers: int = 4
    pace: float = 1.0
    document: str | None = None
    seconds: float = 8 * 3600.0
    interval_s: float = 15.0
    metrics: str = ""
    fly_app: str | None = None
    fly_prometheus: str = ""
    fly_machines: str = ""
    fly_machine: str | None = None
    log: str | None = None
    window_s: float = 1800.0
    most: Thresholds = field(default_factory=Thresholds)
    on_alarm: OnAlarm = "continue"
    header_names: tuple[str, ...] = ()
    webhook: str = ""

    @property
    def host(self) -> str:
        """The target's name."""
        return urlsplit(self.target).netloc

    @property
    def log_path(self) -> Path | None:
        """The log file."""
        return None if self.log is None else Path(self.log)

    def scenario(self) -> dict[str, object]:
        """Return what stands for a scenario in `run.json`: the target is to survive."""
        reading = {
            "kind": "readers", "mode": self.mode, "readers": self.readers, "pace": self.pace, "session_s": SESSION_S,
            "sessions": 0,
            "mix": MIX, "processes": 1, "chapters": CHAPTERS, "blocks": BLOCKS, "seed": SEED,
        }  # fmt: skip
        return {
            "name": f"soak-{''.join(c if c.isalnum() or c in '.-' else '-' for c in self.host)}",
            "description": f"A soak of {self.target}: sessions follow each other.",
            "target": {},
            "load": reading if self.readers else {"kind": "none"},
            "expect": {"verdict": "survived"},
        }

    def to_json(self) -> dict[str, Any]:
        """Return it as `soak.json` has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Asked:
        """Return what `to_json` gave; raises TypeError or KeyError for anything else."""
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in found.items() if name in known}
        return cls(
            **{**values, "most": Thresholds(**found["most"]), "header_names": tuple(found["header_names"])}
        )


@dataclass(frozen=True)
class Secrets:
    """What is sent along and written nowhere."""

    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    webhook: str = field(default="", repr=False)

    @property
    def fly(self) -> dict[str, str]:
        """The header that Fly's APIs want, of whichever word before the token it was given with."""
        scheme, _, rest = self.token.partition(" ")
        token = rest.strip() if scheme.lower() in ("bearer", "flyv1") else self.token
        if not token:
            return {}
        # As flyctl does (fly-go, tokens.go): only what is no macaroon is a bearer's.
        return {"Authorization": f"{'FlyV1' if token.startswith(_MACAROONS) else 'Bearer'} {token}"}


def metrics_address(target: str, metrics: str) -> str:
    """Return where the metrics page is, for a path below the target or an address of its own; empty for none."""
    return "" if metrics == NONE else urljoin(target + "/", metrics)


def same_host(one: str, other: str) -> bool:
    """Whether two addresses are of one host, on whatever port: what opens the one may be sent to the other."""
    return urlsplit(one).hostname == urlsplit(other).hostname
