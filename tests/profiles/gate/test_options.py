"""What both commands are told: each mistake is one line that names it, and nothing was begun by then."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.gate import options
from profiles.gate.baseline import BASELINE_FOLDER
from profiles.gate.options import (
    add_shared_options,
    gate_scenario_names,
    options_of,
    ready_to_measure,
    scenarios_of,
)
from profiles.machine import memory_mb
from profiles.offer import Offer
from profiles.scenario import Scenario, Target, load_scenario
from profiles.vm_size import VmSize
from tests.profiles.gate.measured import tiny


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Offer]:
    """A machine that offers one backend, whole unless the test puts another there."""
    made = [Offer("cgroup v1", available=True)]
    monkeypatch.setattr(options, "enter", lambda _: made[0])
    return made


def chosen(*arguments: str | Path) -> argparse.Namespace:
    """What was chosen with these arguments."""
    parser = argparse.ArgumentParser()
    add_shared_options(parser)
    return parser.parse_args(list(map(str, arguments)))


def refusal(act: Callable[[], object]) -> str:
    """The one line with which something is refused."""
    with pytest.raises(OomproofError) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.usefixtures("offered")
def test_without_options_it_is_the_gates_own_way() -> None:
    """GIVEN nothing THEN six runs, two at once where there are two cores, and the scenarios of the gate."""
    found = chosen()
    assert (found.runs, found.baselines) == (6, BASELINE_FOLDER)
    assert 1 <= found.at_once <= 2
    assert [scenario.name for scenario in scenarios_of(found)] == gate_scenario_names() == ["gate-cached"]
    made = options_of(found, [])
    assert made.out.parent == Path("reports/runs")
    assert (made.backend, made.document, made.memray) == ("cgroup v1", None, False)


@pytest.mark.usefixtures("offered")
def test_what_is_chosen_is_used(tmp_path: Path) -> None:
    """GIVEN options THEN the runs get them."""
    (tmp_path / "fly.toml").write_text('[[vm]]\nsize = "shared-cpu-1x"\nmemory = "512mb"\n')
    made = options_of(
        chosen(
            "--out",
            tmp_path / "o",
            "--document",
            "b.pdf",
            "--fly-toml",
            tmp_path / "fly.toml",
            "--at-once",
            "64",
        ),
        [],
    )
    assert (made.out, made.document) == (tmp_path / "o", Path("b.pdf"))
    assert made.vm_size == VmSize(512, 1, 0.0625)


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--runs", "1"), "--runs 1: 2 to 50 are possible. Give one."),
        (("--runs", "51"), "--runs 51: 2 to 50 are possible. Give one."),
        (("--runs", "-6"), "--runs -6: 2 to 50 are possible. Give one."),
        (("--at-once", "0"), "--at-once 0: 1 to 64 are possible. Give one."),
        (("--at-once", "65"), "--at-once 65: 1 to 64 are possible. Give one."),
        (("--fly-toml", "/nowhere/fly.toml"), "/nowhere/fly.toml: No such file"),
    ],
)
def test_a_number_that_does_not_fit_is_refused(arguments: tuple[str, ...], line: str) -> None:
    """GIVEN a number beyond what is possible THEN the line names the option, the number and what is."""
    assert refusal(lambda: options_of(chosen(*arguments), [])).startswith(line)


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("runs", ["2", "50"])
def test_the_least_and_the_most_runs_are_possible(runs: str) -> None:
    """GIVEN a number at the edge THEN it is taken."""
    assert options_of(chosen("--runs", runs), []).backend == "cgroup v1"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gate-cachd", "scenario 'gate-cachd': unknown. Choose one of "),
        ("nowhere.toml", "scenario nowhere.toml: no such file. Check its path."),
        (
            "pregenerate",
            "scenario 'pregenerate': its load is `pregenerate`. A gate compares loads of readers.",
        ),
        ("first-audio-live", "scenario 'first-audio-live': its load is `probe`. A gate"),
    ],
)
def test_a_scenario_that_no_gate_can_run_is_refused(name: str, line: str) -> None:
    """GIVEN a scenario that is unknown, or whose load is not readers THEN the line names it."""
    assert refusal(lambda: scenarios_of(chosen(name))).startswith(line)


def test_a_load_of_ones_own_is_refused(tmp_path: Path) -> None:
    """GIVEN a scenario whose load is a command THEN nobody could say what a session of it is."""
    own = tmp_path / "own.toml"
    own.write_text('[load]\nkind = "command"\ncommand = "true"\n')
    assert "'own': its load is `command`" in refusal(lambda: scenarios_of(chosen(own)))


def test_a_backend_that_nobody_offers_is_refused() -> None:
    """GIVEN the name of no backend THEN the line lists those that there are."""
    line = "--backend 'docker': unknown. Choose one of cgroup v1, "
    assert refusal(lambda: options_of(chosen("--backend", "docker"), [])).startswith(line)


def test_what_a_backend_lacks_is_told(offered: list[Offer], capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a backend with a caveat THEN one line on standard error has it, as with other commands."""
    offered[0] = Offer("watchdog", available=True, reason="it kills late", way_out="Run as root.")
    assert options_of(chosen(), []).backend == "watchdog"
    assert capsys.readouterr().err == "oomproof: watchdog: it kills late. Run as root.\n"


def test_runs_do_not_share_one_vm(offered: list[Offer]) -> None:
    """GIVEN a backend whose VM is the whole machine THEN two runs at once would measure each other."""
    offered[0] = Offer("machine", available=True)
    assert refusal(lambda: options_of(chosen("--at-once", "2"), [])) == (
        "--at-once 2: with --backend machine all runs share one VM. Give --at-once 1."
    )
    assert options_of(chosen("--at-once", "1"), []).vm_size.memory_mb == memory_mb()


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """A scenario that fits any machine."""
    return tiny(tmp_path)


@pytest.mark.usefixtures("offered")
def test_the_folder_is_made_before_and_removed_when_nothing_came(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN a new folder THEN it is there while one measures, and stays only with something in it."""
    out = tmp_path / "a" / "out"
    with ready_to_measure([scenario], options_of(chosen("--out", out), [])):
        assert out.is_dir()
    assert not out.exists()
    with ready_to_measure([scenario], options_of(chosen("--out", out), [])):
        (out / "gate.md").write_text("")
    assert (out / "gate.md").exists()


@pytest.mark.usefixtures("offered")
def test_an_empty_folder_of_somebodys_is_left(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN a folder that was there THEN it is there afterwards, though nothing came into it."""
    with ready_to_measure([scenario], options_of(chosen("--out", tmp_path / "out"), [])):
        pass
    (tmp_path / "out").mkdir()
    with ready_to_measure([scenario], options_of(chosen("--out", tmp_path / "out"), [])):
        pass
    assert (tmp_path / "out").is_dir()


@pytest.mark.usefixtures("offered")
def test_what_a_person_can_mend_is_refused_first(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN a folder in use, no document, two scenarios of a name, or too large a VM THEN nothing is begun."""

    def begun(scenarios: list[Scenario], *arguments: str | Path) -> str:
        def begin() -> None:
            with ready_to_measure(scenarios, options_of(chosen("--out", tmp_path / "out", *arguments), [])):
                pytest.fail("it began")

        return refusal(begin)

    assert "--document /nowhere.pdf: no such file." in begun([scenario], "--document", "/nowhere.pdf")
    assert "scenario 'tiny': is named twice" in begun([scenario, scenario])
    large = tiny(tmp_path, "large", '[vm]\nmemory = "900000GB"\n')
    assert "VM of 921600000 MB" in begun([large])
    assert not (tmp_path / "out").exists()
    assert f"--out {tmp_path}: is not empty." in begun([scenario], "--out", tmp_path)


@pytest.mark.usefixtures("offered")
def test_a_port_is_one_servers_at_a_time() -> None:
    """GIVEN a scenario with a port of its own THEN two at once are refused, for one would be asked for both."""
    target = Target(command=("serve", "{port}"), port=3003)
    scenario = load_scenario("cached").model_copy(update={"target": target})
    line = refusal(lambda: options_of(chosen("--at-once", "2"), [scenario]))
    assert line.startswith("--at-once 2: scenario 'cached' listens on a port of its own")
    assert options_of(chosen("--at-once", "1"), [scenario]).backend == "cgroup v1"
