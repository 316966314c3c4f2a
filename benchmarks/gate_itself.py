"""`python -m benchmarks.gate_itself`: whole gates that compare this revision with itself, as CI would run them.

Each is `oomproof gate --against HEAD`: a build of the revision, a store for either side, the default runs, the verdict.
What each said and how long it took goes into `gates.jsonl` in `--out`, the figures of its runs into `runs.jsonl` as one
more identical pair. What is there is not done again. About two minutes a gate; root; it ends by itself.

Exit codes: 0 all there, 2 a gate could not be run, 130 interrupted.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gate import RUNS_FILE, Runs
from profiles.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from profiles.gate.outcome import GateRun
from profiles.gate.tree_state import tree_state

ROOT = Path(__file__).resolve().parent.parent
GATES = 20
GATES_FILE = "gates.jsonl"
GATE_WITHIN_S = 1800.0


def run_gate(number: int, out: Path, runs: Runs) -> None:
    """Run one gate, and write down what it said.

    Raises:
        subprocess.CalledProcessError: it said nothing.
    """
    with tempfile.TemporaryDirectory(prefix="gate-", ignore_cleanup_errors=True) as name:
        results = Path(name) / "results"
        command = [sys.executable, "-m", "profiles.cli", "gate", "--against", "HEAD", "--out", str(results)]
        ended = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=GATE_WITHIN_S
        )
        path = results / "gate.json"
        if not path.exists():
            raise subprocess.CalledProcessError(ended.returncode, command, ended.stdout, ended.stderr)
        found = json.loads(path.read_text(encoding="utf-8"))
    (scenario,) = found["scenarios"]
    sides = {side: [_run(run) for run in scenario[f"{side}_runs"]] for side in ("base", "head")}
    runs.add(f"gate-{number}", sides, found["conditions"]["runs_at_once"])
    line = {
        "of": f"gate-{number}",
        "exit_code": ended.returncode,
        "word": found["word"],
        "took_s": found["took_s"],
    }
    with (out / GATES_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(
        f"gate {number}: {found['word']}, exit code {ended.returncode}, {found['took_s']:.0f} s", flush=True
    )


def _run(told: Mapping[str, Any]) -> GateRun:
    return GateRun(
        told["verdict"], told["figures"], started_at=told["started_at"], host_psi_some=told["host_psi_some"]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the gates that are missing; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate_itself",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "gate", help="where the figures go")
    parser.add_argument("--gates", type=int, default=GATES, help="how many in all (20)")
    chosen = parser.parse_args(argv)
    if (state := tree_state()).dirty:
        print(
            f"gate: {state.described}: HEAD is another state than this tree. Commit first.", file=sys.stderr
        )
        return EXIT_USAGE
    chosen.out.mkdir(parents=True, exist_ok=True)
    done = chosen.out / GATES_FILE
    had = len(done.read_text(encoding="utf-8").splitlines()) if done.exists() else 0
    runs = Runs(chosen.out / RUNS_FILE)
    try:
        for number in range(had + 1, chosen.gates + 1):
            run_gate(number, chosen.out, runs)
    except subprocess.TimeoutExpired:
        print(f"gate {number}: not done within {GATE_WITHIN_S:g} s, and ended.", file=sys.stderr)
        return EXIT_USAGE
    except subprocess.CalledProcessError as error:
        print(
            f"gate {number}: exit code {error.returncode}: {error.stderr.strip().splitlines()[-1:]}",
            file=sys.stderr,
        )
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
