"""What the tests in guests of user-mode-linux share."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from profiles.run_folder import RunFolder
from profiles.uml import INIT
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GUEST_WITHIN_S = 300.0
USER = 64242
"""An ordinary user, whom the host does not know."""
PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "--tb=short"),
    *("--disable-plugin-autoload", "-p", "no:cacheprovider"),
)
"""A session of its own in a guest, where the project cannot be written."""
OOMPROOF = (sys.executable, "-m", "profiles.cli")
SCENARIO = """
description = "A server that grows by 1 MiB a request, in a VM too small for that."

[vm]
{memory}

[target]
command = ["{python}", "tests/controls/applications.py", "oom", "{{port}}"]
health = "/api/health"

[load]
kind = "command"
command = ["{python}", "tests/controls/visitors.py", "60"]
session_s = 60
pace = 1

[expect]
verdict = "oom_killed"
server_killed = true
"""


class InGuest(Protocol):
    """Boots a guest for one command, checks that it ended with status 0, and returns what it printed."""

    def __call__(
        self,
        *command: str | Path,
        memory_mb: int = 512,
        init: Path = INIT,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Raise RunError where the guest does not end by itself within some minutes."""


def passed(printed: str) -> int:
    """Return how many tests passed in a session that printed this; any other outcome fails."""
    summary = re.search(r"^(\d+) passed in [\d.]+s", printed, re.MULTILINE)
    assert summary is not None, printed  # "1 failed, 9 passed", "9 passed, 1 skipped" and the like
    return int(summary[1])


def growing_server(folder: Path, memory: str | None) -> Path:
    """Write a scenario whose server must be killed; `memory` is the VM's, None for a machine that is the VM."""
    scenario = folder / "grows.toml"
    limit = "" if memory is None else f'memory = "{memory}"'
    scenario.write_text(SCENARIO.format(memory=limit, python=sys.executable), encoding="utf-8")
    return scenario


def judged(folder: Path) -> VerdictRecord:
    """Return the verdict that this machine comes to about the run in a guest, whose own must be the same."""
    run = folder / "out" / "grows"
    theirs = (run / "verdict.json").read_text(encoding="utf-8")
    verdict = judge(run)
    assert verdict.model_dump_json(indent=2) + "\n" == theirs
    assert RunFolder(run).samples
    return verdict


def kills(folder: Path) -> list[str]:
    """Return the lines about kills that the guest's kernel wrote on its console."""
    said = (folder / "console.log").read_text(encoding="utf-8", errors="replace")
    return [line for line in said.splitlines() if "Killed process" in line]
