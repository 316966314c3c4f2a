"""Made-up runs of the gate's benchmark, as `benchmarks.gate` would write them. No figure in them was measured."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.gate import EFFECTS, RUNS, Effect

BEGAN = datetime.fromisoformat("2026-11-23T01:00:00+00:00")
CONDITIONS: dict[str, Any] = {
    "commit": "abc1234", "runs_at_once": 2, "chunks_per_session": 4.85,
    "machine": {"cpu_model": "Invented CPU", "cpus": 2, "memory_gb": 23.5, "kernel": "6.1", "vm_backend": "cgroup v1"},
    "python": "3.11.7", "document_sha256": "5e" * 32,
    "vm": {"memory_mb": 4096, "swap_mb": 0, "cpus": 2, "share_of_core": 0.125, "cpu_limited": True},
    "scenario": {"load": {"mode": "cached", "readers": 24, "sessions": 5, "pace": 90.0}},
    "versions": {"starlette": "1.0.0"},
}  # fmt: skip
Line = dict[str, Any]


def line(of: str, side: str, at_s: float, *, psi: float | None = 0.0, **figures: float | None) -> Line:
    """A run that survived, with these figures among its usual ones."""
    usual = {
        "peak_tree_rss_mb": 73.3, "steady_rss_mb": 72.1, "peak_anon_mb": 57.8, "growth_bytes_per_session": 35.0,
        "chunk_p95_ms": 700.0,
    }  # fmt: skip
    return {
        "of": of, "side": side, "verdict": "survived", "at_once": 2, "host_psi_some": psi,
        "started_at": (BEGAN + timedelta(seconds=at_s)).isoformat(), "figures": {**usual, **figures},
    }  # fmt: skip


def noisy(draw: random.Random, of: str, side: str, at_s: float, effect: Effect | None = None) -> Line:
    """A run with the noise of a believable machine, and an effect on top."""
    kind, size = (effect.kind, effect.size) if effect else ("", 0.0)
    level = draw.gauss(0, 0.9) + (size if kind == "hold" else 0.0)
    grown = size * 120 / 1024 if kind == "leak" else 0.0
    found = line(
        of, side, at_s, psi=round(draw.expovariate(1), 2),
        peak_tree_rss_mb=73.3 + level + (size if kind == "burst" else grown),
        steady_rss_mb=72.1 + level + 0.7 * grown,
        peak_anon_mb=57.8 + level + (size if kind == "burst" else grown),
        growth_bytes_per_session=35 + draw.gauss(0, 13) + (size if kind == "leak" else 0.0),
    )  # fmt: skip
    found["figures"] = {name: round(value, 1) for name, value in found["figures"].items()}
    return found


def believable(pairs: int, repeat: int, effects: Sequence[Effect] = EFFECTS, seed: int = 1) -> Iterator[Line]:
    """Pairs and runs of effects, one after the other."""
    draw = random.Random(seed)
    for number in range(1, pairs + 1):
        for side in ("base", "head"):
            for run in range(RUNS):
                yield noisy(draw, f"pair-{number}", side, 110 * number + 17 * run)
    for place, effect in enumerate(effects):
        for run in range(repeat):
            yield noisy(draw, effect.name, "base", 200 * place + 9 * run, effect)


def write(folder: Path, lines: Iterator[Line] | Sequence[Line], **conditions: Any) -> Path:
    """Write both files into the folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in lines), encoding="utf-8")
    (folder / "conditions.json").write_text(json.dumps({**CONDITIONS, **conditions}), encoding="utf-8")
    return folder
