"""All controls, tried again and again: what each must be found to be, and a table of how often it was.

Trials run some at a time, each a process of its own (`trial.py`), for about twelve seconds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from profiles import machine

HERE = Path(__file__).parent
AT_ONCE = min(4, (os.cpu_count() or 1) + 1)
"""Each needs about a third of a core."""
TRIAL_WITHIN_S = 120.0
MOST_SLOPE_ERROR = 0.10
REQUESTS = 5
"""Of a session (`visitors.py`)."""


@dataclass(frozen=True)
class Truth:
    """What a control is known to be; `bytes_per_session` is what it leaks, to the byte."""

    verdict: str
    growth: str = "unknown"
    deaths: tuple[tuple[str, str], ...] = ()
    bytes_per_session: int | None = None


TRUTHS: Mapping[str, Truth] = {
    "leak_per_request": Truth("survived", "leak", bytes_per_session=REQUESTS * 64 * 1024),
    "leak_per_session": Truth("survived", "leak", bytes_per_session=256 * 1024),
    "retain": Truth("survived", "retention"),
    "plateau": Truth("survived", "plateau"),
    "flat": Truth("survived", "flat"),
    "spawn_children": Truth("survived", "flat"),
    "oom": Truth("oom_killed", deaths=(("memcg_kill", "server"),)),
    "oom_child": Truth("oom_killed", deaths=(("memcg_kill", "child"),)),
    "crash": Truth("crashed", deaths=(("crash", "server"),)),
    "crash_signal": Truth("crashed", deaths=(("crash", "server"),)),
    "hang": Truth("unhealthy"),
    "killed_by_other": Truth("killed", deaths=(("sigkill_by_other", "server"),)),
}
"""Whoever dies, or hangs, does so before anything can be said of growth."""


@dataclass(frozen=True)
class Trial:
    """One trial: its verdict.json, or why there is none."""

    control: str
    seed: int
    record: Mapping[str, Any]
    failure: str = ""

    @property
    def slope_error(self) -> float | None:
        """How far the slope of a leak was from the truth, as a share of it; None where none is known."""
        truth, found = TRUTHS[self.control].bytes_per_session, self.record.get("growth_bytes_per_session")
        return None if truth is None or found is None else abs(float(found) - truth) / truth

    @property
    def holds_truth(self) -> bool | None:
        """Whether the slope's interval holds the truth; None where none is known."""
        truth = TRUTHS[self.control].bytes_per_session
        low, high = (self.record.get(f"growth_bytes_per_session_{end}") for end in ("low", "high"))
        return None if truth is None or low is None or high is None else low <= truth <= high

    def wrong(self) -> list[str]:
        """What was found to be other than it is; nothing when all was right."""
        if self.failure:
            return [self.failure]
        truth = TRUTHS[self.control]
        deaths = tuple((death["cause"], death["role"]) for death in self.record["deaths"] or ())
        found: list[tuple[str, object, object]] = [
            (name, self.record[name], wanted)
            for name, wanted in (("verdict", truth.verdict), ("growth", truth.growth))
            if self.record[name] != wanted
        ]
        if deaths != truth.deaths:
            found.append(("deaths", deaths, truth.deaths))
        if truth.bytes_per_session is not None and (self.slope_error or 0.0) > MOST_SLOPE_ERROR:
            found.append(("slope", self.record["growth_bytes_per_session"], truth.bytes_per_session))
        why = f"{self.record['growth_reason']}; {'; '.join(self.record['evidence'])}"
        return [f"{name} is {value}, not {wanted} ({why})" for name, value, wanted in found]


def try_all(folder: Path, repeat: int) -> list[Trial]:
    """Try each control so often, the seeds from 1 on."""
    wanted = [(control, seed) for seed in range(1, repeat + 1) for control in TRUTHS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda trial: _tried(folder, *trial), wanted))


def _tried(folder: Path, control: str, seed: int) -> Trial:
    run = folder / f"{control}-{seed}"
    command = [sys.executable, str(HERE / "trial.py"), control, str(run), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TRIAL_WITHIN_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return Trial(control, seed, {}, f"no end within {TRIAL_WITHIN_S:g} s")
    if done.returncode != 0:
        return Trial(control, seed, {}, f"status {done.returncode}: {done.stderr.strip()[-300:]}")
    return Trial(control, seed, json.loads((run / "verdict.json").read_text(encoding="utf-8")))


def table(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield the lines of a Markdown table: how often each was right, and how far its slope was off at worst."""
    yield "| control | is | right | slope error, worst | its interval holds the truth |"
    yield "|---|---|---:|---:|---:|"
    for control, truth in TRUTHS.items():
        its = [trial for trial in trials if trial.control == control]
        right = sum(not trial.wrong() for trial in its)
        errors = [error for trial in its if (error := trial.slope_error) is not None]
        held = [holds for trial in its if (holds := trial.holds_truth) is not None]
        words = [truth.verdict, *(f"{cause} ({role})" for cause, role in truth.deaths)]
        if truth.growth != "unknown":
            words.append(truth.growth)
        worst = f"{max(errors):.1%}" if errors else ""
        holding = f"{sum(held)}/{len(held)}" if held else ""
        yield f"| `{control}` | {', '.join(words)} | {right}/{len(its)} | {worst} | {holding} |"


def write_report(trials: Sequence[Trial], folder: Path) -> None:
    """Write controls.md and controls.json."""
    folder.mkdir(parents=True, exist_ok=True)
    found = machine.describe()
    backend = next((trial.record["vm_backend"] for trial in trials if trial.record), "none")
    wrong = [f"- `{t.control}`, seed {t.seed}: {'; '.join(t.wrong())}" for t in trials if t.wrong()]
    lines = [
        "# The controls",
        "",
        "Small servers whose memory is known to the byte, each in a VM with four visitors for ten seconds, and",
        f"what the instrument found them to be. Backend {backend}, {AT_ONCE} at a time;",
        f"{found['cpu_model']}, {found['cpus']} CPUs, kernel {found['kernel']}. Made by `make controls`.",
        "",
        *table(trials),
        "",
        *(
            ["What was not found as it is:", "", *wrong]
            if wrong
            else ["Every one was found to be what it is."]
        ),
    ]
    (folder / "controls.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    facts = {
        "machine": found,
        "backend": backend,
        "at_once": AT_ONCE,
        "truths": {control: asdict(truth) for control, truth in TRUTHS.items()},
        "trials": [
            {
                "control": trial.control, "seed": trial.seed, "wrong": trial.wrong(), "slope_error": trial.slope_error,
                **{key: trial.record.get(key) for key in SHOWN},
            }
            for trial in trials
        ],
    }  # fmt: skip
    (folder / "controls.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


SHOWN = (
    "verdict", "growth", "growth_reason", "growth_bytes_per_session", "growth_bytes_per_session_low",
    "growth_bytes_per_session_high", "hours_to_limit", "returned_on_trim_mb", "trim", "oom_kills", "peak_tree_rss_mb",
)  # fmt: skip
"""Of each trial's verdict, what its line in controls.json holds."""
