"""What GitHub Actions is told, held against the command line, the Makefile and bash: nobody runs it here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

from profiles import cli
from profiles.gate import command as gate_command

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GATE = "memory-gate.yml"


def workflow(name: str) -> dict[Any, Any]:
    """A workflow; `on`, which YAML takes for true, under its own name."""
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf-8"))
    return {**found, "on": found[True]}


def steps(name: str) -> list[dict[str, Any]]:
    """The steps of all its jobs."""
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def gate_script() -> str:
    """The script of the step that runs the gate."""
    (script,) = [step["run"] for step in steps(GATE) if "oomproof gate" in step.get("run", "")]
    return str(script)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_written_into_a_script(path: Path) -> None:
    """GIVEN a branch that is named like a command THEN no script takes it for one: values come by the environment."""
    scripts = [step["run"] for step in steps(path.name) if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_and_script_is_there(path: Path) -> None:
    """GIVEN what a workflow makes or starts THEN the Makefile has it, or it is a file of ours."""
    targets = set(re.findall(r"^([.\w/-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    scripts = " ".join(step.get("run", "") for step in steps(path.name))
    for target in re.findall(r"\bmake ([.\w/-]+)", scripts):
        assert target in targets
    for script in re.findall(r"\.ci/\w+", scripts):
        assert os.access(ROOT / script, os.X_OK)


def test_actions_are_the_same_everywhere_and_pinned_to_a_major_version() -> None:
    """GIVEN actions THEN each has one version in all workflows, as CI names them."""
    used = {step["uses"] for path in WORKFLOWS for step in steps(path.name) if "uses" in step}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used), used
    assert len({name.partition("@")[0] for name in used}) == len(used), used


def test_the_gate_runs_on_pull_requests_with_no_more_rights_than_it_needs() -> None:
    """GIVEN a pull request THEN the newest state of it is measured, within a time, with a clone that holds the base."""
    gate = workflow(GATE)
    assert set(gate["on"]) == {"pull_request", "workflow_dispatch"}
    assert gate["permissions"] == {"contents": "read"}
    assert gate["concurrency"] == {"group": "memory-gate-${{ github.ref }}", "cancel-in-progress": True}
    assert 0 < gate["jobs"]["gate"]["timeout-minutes"] <= 60
    checkout = next(step for step in steps(GATE) if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_the_gates_options_are_those_of_the_command() -> None:
    """GIVEN the command in the script THEN `oomproof` takes it, and compares with a revision."""
    _, _, words = gate_script().partition(".venv/bin/oomproof ")
    chosen = cli._parser().parse_args(shlex.split(words))
    assert chosen.run is gate_command.run
    assert (chosen.against, str(chosen.out), chosen.heap) == ("$against", "$OUT", True)


def test_the_results_are_uploaded_whatever_the_verdict() -> None:
    """GIVEN a gate that fails, or is cancelled THEN its files are made readable and uploaded all the same."""
    listed = steps(GATE)
    order = [
        next(i for i, step in enumerate(listed) if word in str(step))
        for word in ("oomproof gate", "chown", "upload")
    ]
    assert order == sorted(order)
    assert all(listed[at]["if"] == "always()" for at in order[1:])
    assert listed[order[2]]["with"]["path"] == "${{ env.OUT }}"
    assert workflow(GATE)["jobs"]["gate"]["env"]["OUT"]


SUDO = """#!/bin/sh
exec env -i "PATH=/usr/bin:/bin" "ASKED_IN=$ASKED_IN" "$@"
"""
GIT = """#!/bin/sh
test "$*" = "merge-base HEAD origin/a branch; touch harm" && echo 0123abc
"""
OOMPROOF = """#!/bin/sh
{ printf '%s\\n' "$PATH" "$GITHUB_STEP_SUMMARY" "$@"; } > "$ASKED_IN"
exit 3
"""


@pytest.mark.slow
def test_the_script_asks_what_it_should(tmp_path: Path) -> None:
    """GIVEN bash, a sudo that drops the environment, and a hostile branch WHEN the script runs THEN all is handed on.

    The exit code of the gate is the step's.
    """
    commands = {"bin/sudo": SUDO, "bin/git": GIT, ".venv/bin/oomproof": OOMPROOF}
    for name, text in commands.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    told = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "BASE": "a branch; touch harm", "OUT": "my results",
        "GITHUB_STEP_SUMMARY": "/tmp/a summary", "ASKED_IN": str(tmp_path / "asked"),
    }  # fmt: skip
    # As GitHub starts a script without a shell of its own.
    done = subprocess.run(["bash", "-e", "-c", gate_script()], cwd=tmp_path, env=told, check=False)
    assert done.returncode == 3
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[:2] == [told["PATH"], told["GITHUB_STEP_SUMMARY"]]
    assert asked[2:] == ["gate", "--against", "0123abc", "--heap", "--out", "my results"]
    assert not (tmp_path / "harm").exists()
