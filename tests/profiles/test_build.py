"""Which code is measured: the state of the server that a run was told to start, and no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from profiles import run
from profiles.build import HERE, THIS_TREE, Build
from profiles.event_log import EventLog
from profiles.heap_capture import captured
from profiles.load import Documents, Upstream
from profiles.process_table import command_name
from profiles.run import Bench
from profiles.scenario import Scenario, Target, load_scenario
from profiles.target import Server
from profiles.vm_size import VmSize

SPEAKS = "import subprocess, sys\n{}print(__file__)\n"
STARTS_A_CHILD = "subprocess.run([sys.executable, '-m', 'reference_server.child'], check=True)\n"


def a_state(root: Path) -> Path:
    """A `reference_server` that prints where it is, and starts a child that does too."""
    package = root / "reference_server"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SPEAKS.format(STARTS_A_CHILD))
    (package / "child.py").write_text(SPEAKS.format(""))
    return root


def server_of(scenario: Scenario, build: Build, tmp_path: Path) -> Server:
    """The server that a run of that scenario would start; nothing is started."""
    upstream = Upstream("http://127.0.0.1:9/v1", "none", own=False)
    bench = Bench(Documents(), upstream, VmSize(256, 2, 0.125), tmp_path, build=build)
    events, vm = EventLog(tmp_path), no_vm()
    events.close()
    return run._server(vm, scenario, bench, tmp_path, tmp_path / "store", events)


def no_vm() -> Any:
    """No VM: nothing is started in it."""
    return None


def test_the_server_and_its_children_run_the_code_of_their_root(tmp_path: Path) -> None:
    """GIVEN two states, and we are in one WHEN the other is started THEN it and its child run its code, not ours."""
    ours, theirs = a_state(tmp_path / "ours"), a_state(tmp_path / "theirs")
    build = Build(root=theirs)
    told = subprocess.run(
        build.command(), cwd=ours, env=build.environment(), capture_output=True, text=True, check=True
    ).stdout
    assert sorted(told.split()) == [
        str(theirs / "reference_server" / name) for name in ("__main__.py", "child.py")
    ]


def test_a_run_starts_this_tree_unless_told_otherwise() -> None:
    """GIVEN a bench without a build THEN it is the code that is here, with our own Python."""
    assert Bench(Documents(), Upstream("", "", own=False), VmSize(256, 2, 0.125), Path()).build == THIS_TREE
    assert THIS_TREE.command() == [sys.executable, "-P", "-m", "reference_server"]
    assert (THIS_TREE.root / "reference_server" / "__main__.py").is_file()
    assert THIS_TREE.root == HERE


def test_a_run_starts_the_build_of_its_bench(tmp_path: Path) -> None:
    """GIVEN a build WHEN a scenario names no command THEN its command runs, with its folder in the environment."""
    build = Build(tmp_path / "state", tmp_path / "python")
    server = server_of(load_scenario("cached"), build, tmp_path)
    assert server.command == [str(tmp_path / "python"), "-P", "-m", "reference_server"]
    assert server.settings["PYTHONPATH"] == str(tmp_path / "state")
    assert server.settings["DOCSTORE_DIR"] == str(tmp_path / "store")


def test_a_server_of_somebodys_own_is_started_as_it_is(tmp_path: Path) -> None:
    """GIVEN a scenario with a command of its own THEN no build has a say in it, nor in its environment."""
    scenario = load_scenario("cached").model_copy(update={"target": Target(command=("node", "server.js"))})
    server = server_of(scenario, Build(tmp_path / "state"), tmp_path)
    assert server.command == ["node", "server.js"]
    assert not {"PYTHONPATH", "PYTHONSAFEPATH"} & server.settings.keys()


def test_a_scenario_cannot_say_whose_code_runs(tmp_path: Path) -> None:
    """GIVEN a scenario that sets PYTHONPATH THEN it is refused: base would run head's code. Others come last."""
    with pytest.raises(ValidationError, match="PYTHONPATH: oomproof sets it itself"):
        Target(environment={"PYTHONPATH": "/elsewhere"})
    target = Target(environment={"ALIGNERS": "3"})
    server = server_of(load_scenario("cached").model_copy(update={"target": target}), THIS_TREE, tmp_path)
    assert server.settings["ALIGNERS"] == "3"


@pytest.mark.slow
def test_a_heap_capture_takes_the_command_of_a_build(tmp_path: Path) -> None:
    """GIVEN a build's command WHEN it is put under memray THEN the options stay Python's, and its own code runs."""
    ours, theirs = a_state(tmp_path / "ours"), a_state(tmp_path / "theirs")
    build, capture = Build(root=theirs), tmp_path / "heap.bin"
    command = captured(build.command(), capture)
    assert command[1:4] == ["-P", "-m", "memray"]
    told = subprocess.run(
        command, cwd=ours, env=build.environment(), capture_output=True, text=True, check=True
    ).stdout
    assert str(theirs / "reference_server" / "__main__.py") in told
    assert str(ours) not in told
    assert capture.stat().st_size > 0


def test_a_build_is_called_by_its_module_in_what_held_the_memory() -> None:
    """GIVEN its command THEN a process that runs it is named as before, whatever Python's options are."""
    assert command_name(THIS_TREE.command()) == "reference_server"
