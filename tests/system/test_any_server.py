"""Servers and loads that are not ours, through the whole command: a real VM, a real kill, a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
CONTROL = ROOT / "tests" / "controls" / "server.py"
VISITS = """
import os, sys, time, urllib.request
with open(os.environ["OOMPROOF_REQUESTS"], "w") as rows:
    rows.write("t,kind,status\\n")
    for path in sys.argv[1:]:
        t = time.monotonic()
        try:
            with urllib.request.urlopen(os.environ["OOMPROOF_URL"] + path, timeout=30) as answer:
                rows.write(f"{t},get,{answer.status}\\n")
        except OSError:
            rows.write(f"{t},get,0\\n")
            rows.flush()
            raise
        time.sleep(0.5)  # a visitor looks at what came, and the recorder has time to see it too
    rows.write(f"{time.monotonic()},session,\\n")
"""


def run(folder: Path, *paths: str) -> tuple[int, Any]:
    """Run the control server in 256 MB under visits to these paths; return exit code and verdict."""
    (folder / "visits.py").write_text(VISITS)
    scenario: dict[str, dict[str, object]] = {
        "vm": {"memory": "256MB"},
        "target": {"command": [sys.executable, str(CONTROL), "{port}"], "health": "/api/health"},
        "load": {"kind": "command", "command": [sys.executable, "visits.py", *paths]},
    }
    tables = [f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
              for name, table in scenario.items()]  # fmt: skip
    (folder / "mine.toml").write_text("\n".join(tables))
    command = [sys.executable, "-m", "profiles.cli", "run", "mine.toml", "--fly-toml", str(ROOT / "fly.toml")]
    done = subprocess.run(
        [*command, "--out", "out"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    print(done.stdout, done.stderr)
    return done.returncode, json.loads((folder / "out" / "mine" / "verdict.json").read_text())


def test_a_server_of_one_s_own_survives_its_visits(tmp_path: Path) -> None:
    """GIVEN visits that it can carry THEN it survived, with what was asked, and no speech API was started for it."""
    status, found = run(tmp_path, "/grow?mb=40", "/", "/")
    assert (status, found["verdict"], found["ended_because"]) == (0, "survived", "its command ended")
    assert (found["requests"], found["failures"], found["readers"]) == (3, 0, None)
    assert 40 < found["peak_server_rss_mb"] < 120
    assert not (tmp_path / "out" / "upstream.log").exists()
    assert (tmp_path / "out" / "report.html").exists()


def test_a_server_of_one_s_own_is_killed_though_its_load_failed_too(tmp_path: Path) -> None:
    """GIVEN a visit that outgrows the VM THEN the kernel's kill is the verdict, not the load that broke on it."""
    status, found = run(tmp_path, "/", "/grow?mb=400")
    assert (status, found["verdict"], found["victim_role"]) == (1, "oom_killed", "server")
    assert found["failures_by_status"] == {"0": 1}


def test_a_server_of_one_s_own_that_ends_by_itself_crashed(tmp_path: Path) -> None:
    """GIVEN a visit that ends it with status 3 THEN it crashed, although the load broke off at that moment."""
    status, found = run(tmp_path, "/", "/exit?status=3")
    assert (status, found["verdict"]) == (1, "crashed")
    assert found["deaths"][0]["returncode"] == 3
