"""What GitHub Actions is told, held against the command line, the Makefile and bash: nobody runs it here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
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


def test_actions_are_the_same_everywhere_and_pinned() -> None:
    """GIVEN actions THEN each has one version in all workflows: GitHub's own a major one, another's a commit."""
    used = {step["uses"] for path in WORKFLOWS for step in steps(path.name) if "uses" in step}
    others = {name for name in used if not re.fullmatch(r"actions/[\w-]+@v\d+", name)}
    # Whose tags may move is named by its commit: it is handed the token that deploys.
    assert all(re.fullmatch(r"superfly/flyctl-actions/setup-flyctl@[0-9a-f]{40}", name) for name in others), (
        others
    )
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


DEPLOY, SOAK = "deploy.yml", "soak.yml"


def script(name: str, word: str) -> str:
    """The script of the one step that has a word in it."""
    (found,) = [step["run"] for step in steps(name) if word in step.get("run", "")]
    return str(found)


@pytest.mark.parametrize("name", [DEPLOY, SOAK])
def test_fly_is_touched_by_hand_alone(name: str) -> None:
    """GIVEN a push, a pull request or a night THEN nothing is deployed and nobody soaked; a fork's has no secret."""
    found = workflow(name)
    assert set(found["on"]) == {"workflow_dispatch"}
    (job,) = found["jobs"].values()
    assert job["environment"] == "staging"
    assert found["concurrency"]["cancel-in-progress"] is False
    assert set(found["permissions"].values()) == {"read"}
    assert not any("secrets." in str(value) for value in (job["env"], found.get("env")))


def test_flyctl_has_one_version_everywhere() -> None:
    """GIVEN the steps that install flyctl THEN each names the same release, and none the newest."""
    with_ = [
        step["with"]
        for name in (DEPLOY, SOAK)
        for step in steps(name)
        if "setup-flyctl" in step.get("uses", "")
    ]
    assert len(with_) == 2
    assert len({entry["version"] for entry in with_}) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", with_[0]["version"])


def test_what_can_be_deployed_is_there() -> None:
    """GIVEN the choice of apps THEN each is a file of ours, and all are in it."""
    offered = workflow(DEPLOY)["on"]["workflow_dispatch"]["inputs"]["config"]
    assert set(offered["options"]) == {path.name for path in ROOT.glob("fly*.toml")}
    assert offered["default"] == "fly.toml"


def test_what_can_be_soaked_is_there() -> None:
    """GIVEN the choice of apps and modes THEN the apps are those of the fly.toml with a server, the hours fit a job."""
    found = workflow(SOAK)
    inputs = found["on"]["workflow_dispatch"]["inputs"]
    apps = [tomllib.loads((ROOT / name).read_text("utf-8"))["app"] for name in ("fly.toml", "fly.live.toml")]
    assert inputs["app"]["options"] == apps
    assert inputs["app"]["default"] == apps[0]
    assert set(inputs["mode"]["options"]) == {"cached", "hybrid", "live"}
    longest_minutes = max(int(hours) for hours in inputs["hours"]["options"]) * 60
    assert longest_minutes < found["jobs"]["soak"]["timeout-minutes"] < 360


def test_the_soaks_results_are_uploaded_whatever_the_verdict() -> None:
    """GIVEN a soak that fails, or is cancelled THEN its folder and the log are uploaded all the same."""
    listed = steps(SOAK)
    assert listed[-1]["if"] == listed[-2]["if"] == "always()"
    assert listed[-1]["with"]["path"].split() == ["${{", "env.OUT", "}}", "fly.log"]


FLYCTL = """#!/bin/sh
echo "flyctl $*" >> "$ASKED_IN"
exit ${FLYCTL_ENDS:-0}
"""
GH = """#!/bin/sh
echo "gh $*" >> "$ASKED_IN"
echo "$CI_PASSED"
"""
SOAKING = """#!/bin/sh
until grep -q flyctl "$ASKED_IN"; do :; done
echo "oomproof $*" >> "$ASKED_IN"
exit 1
"""


def started(
    text: str, folder: Path, commands: Mapping[str, str], **environ: str
) -> tuple[int, str, list[str]]:
    """Run a script as GitHub does, with stand-ins for its commands: exit code, output, what they were asked."""
    for name, content in commands.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
    asked = folder / "asked"
    asked.touch()
    told = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "ASKED_IN": str(asked), **environ}
    command = ["bash", "-e", "-c", text]
    done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, sorted(asked.read_text().splitlines())


@pytest.mark.parametrize(("passed", "code"), [("1", 0), ("0", 1), ("", 1)])
def test_nothing_is_deployed_that_ci_has_not_passed(passed: str, code: int, tmp_path: Path) -> None:
    """GIVEN a commit THEN it goes on only where GitHub knows a run of CI on it that succeeded."""
    ended, told, asked = started(
        script(DEPLOY, "gh run list"), tmp_path, {"bin/gh": GH}, CI_PASSED=passed, COMMIT="0123abc"
    )
    assert ended == code
    assert ("::error::CI has not passed 0123abc." in told) == bool(code)
    (question,) = asked
    assert question.startswith("gh run list --workflow ci.yml --commit 0123abc --status success ")
    assert (ROOT / ".github" / "workflows" / "ci.yml").is_file()


@pytest.mark.parametrize(
    ("token", "flyctl_ends", "code"), [("FlyV1 a", "0", 0), ("FlyV1 a", "1", 1), ("", "0", 1)]
)
def test_a_deployment_is_one_machine_that_is_waited_for(
    token: str, flyctl_ends: str, code: int, tmp_path: Path
) -> None:
    """GIVEN a token THEN one machine is asked for, labelled by its commit; a failure is the step's."""
    environ = {
        "FLY_API_TOKEN": token,
        "FLYCTL_ENDS": flyctl_ends,
        "CONFIG": "fly.live.toml",
        "COMMIT": "0123abc",
    }
    summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    ended, _, asked = started(
        script(DEPLOY, "flyctl deploy"), tmp_path, {"bin/flyctl": FLYCTL}, **environ, **summary
    )
    assert ended == code
    expected = "flyctl deploy --config fly.live.toml --remote-only --ha=false --image-label 0123abc --wait-timeout 10m"
    assert [line for line in asked if "deploy" in line] == ([expected] if token else [])


def test_the_soak_is_asked_for_what_was_chosen_and_its_end_is_the_steps(tmp_path: Path) -> None:
    """GIVEN an app, a mode and hours THEN `oomproof soak` takes them, beside the app's log; its end is the step's."""
    chosen = {"APP": "oomproof-staging", "MODE": "hybrid", "READERS": "8", "HOURS": "3", "OUT": "soak"}
    commands = {"bin/flyctl": FLYCTL, ".venv/bin/oomproof": SOAKING}
    ended, _, asked = started(script(SOAK, "oomproof soak"), tmp_path, commands, **chosen)
    assert ended == 1
    assert "flyctl logs --app oomproof-staging" in asked
    (soak,) = [line for line in asked if line.startswith("oomproof ")]
    words = vars(cli._parser().parse_args(soak.split()[1:]))
    assert (words["target"], words["mode"], words["readers"]) == (
        "https://oomproof-staging.fly.dev",
        "hybrid",
        8,
    )
    assert (words["how_long"], words["fly_app"]) == ("3h", "oomproof-staging")
    assert (str(words["log"]), str(words["out"])) == ("fly.log", "soak")


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
