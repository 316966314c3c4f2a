"""`result.json` and `readers.md`: every figure of a benchmark, and the conditions it was measured under."""

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.store import Store
from benchmarks.table import markdown
from profiles import machine

VERSIONED = ("locust", "gevent", "geventhttpclient", "requests", "uvicorn", "starlette")


@dataclass(frozen=True)
class Benchmark:
    """What was asked for, and what came of it so far."""

    command: str
    readers: int
    window_s: float
    ramp_s: float
    store: Store
    nginx: str | None
    cases: Sequence[Figures]


def save(benchmark: Benchmark, folder: Path) -> None:
    """Writes both files."""
    folder.mkdir(parents=True, exist_ok=True)
    value = to_json(benchmark)
    (folder / "result.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    (folder / "readers.md").write_text(markdown(value), encoding="utf-8")


def to_json(benchmark: Benchmark) -> dict[str, object]:
    """Returns all of it."""
    sizes = benchmark.store.chunk_bytes
    versions: dict[str, str | None] = {name: metadata.version(name) for name in VERSIONED}
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": benchmark.command,
        "commit": commit(),
        "machine": machine.describe(),
        "versions": {"python": platform.python_version(), **versions, "nginx": benchmark.nginx},
        "readers": benchmark.readers,
        "window_s": benchmark.window_s,
        "ramp_s": benchmark.ramp_s,
        "chunks": {
            "count": len(sizes),
            "smallest_bytes": sizes[0],
            "median_bytes": sizes[len(sizes) // 2],
            "largest_bytes": sizes[-1],
            "timings_by": benchmark.store.aligner,
        },
        "cases": [asdict(case) for case in benchmark.cases],
    }


def nginx_version(program: str) -> str:
    """Returns what nginx calls itself."""
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False, timeout=10).stderr
    return said.strip().rpartition("nginx/")[2] or "unknown"


def commit() -> str | None:
    """Returns what git calls the measured state; None outside a repository."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()
