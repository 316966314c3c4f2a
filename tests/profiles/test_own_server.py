import re
import tomllib
from pathlib import Path

import pytest

from profiles import cli
from profiles.errors import OomproofError
from profiles.load import NOBODYS, Documents, load_command, load_environment
from profiles.plan import by_upstream, check_targets, with_pregeneration
from profiles.scenario import Scenario, load_scenario, with_load, with_target, with_upstream

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "any-server.md"


def own(folder: Path, text: str) -> Scenario:
    """The scenario of a file of one's own."""
    path = folder / "mine.toml"
    path.write_text(text)
    return load_scenario(str(path))


COMMANDS = (
    '[target]\ncommand = "node server.js {port}"\n[load]\nkind = "command"\ncommand = ["k6", "run", "x.js"]\n'
)


def test_the_scenario_in_the_guide_is_one(tmp_path: Path) -> None:
    """GIVEN the file that the guide shows THEN it can be run: no key of it is wrong."""
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    scenario = own(tmp_path, text)
    assert scenario.target.command == ("node", "server.js", "--listen", "{port}")
    assert (scenario.target.port, scenario.target.health_path) == (3003, "/healthz")
    assert scenario.load.command == ("k6", "run", "visit.js")
    assert set(tomllib.loads(text)) == {"description", "vm", "target", "load", "expect"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[target]\nport = 3003", "target: port: the reference server has its own. Give a command too"),
        ("[target]\ncommand = ''", "target.command: '': no command. Write a line such as"),
        ('[target]\ncommand = "a \'b"', 'target.command: "a \'b": No closing quotation'),
        ("[target]\ncommand = [3]", "target.command: [3]: no command"),
        ("[target]\ncommand = 'x'\nport = 0", "target.port: 0: Input should be greater"),
        ("[target]\ncommand = 'x'\nhealth = 'up'", "target.health: 'up': no path of a URL"),
        ("[load]\nkind = 'command'", 'load: kind = "command" and a command go together'),
        ("[load]\ncommand = 'k6'", 'load: kind = "command" and a command go together'),
        ("[load]\nkind = 'none'", "load.kind: 'none'"),
    ],
)
def test_a_mistake_about_a_command_names_file_key_and_value(
    tmp_path: Path, text: str, complaint: str
) -> None:
    """GIVEN a scenario with a mistake THEN one line names it, and the way out."""
    with pytest.raises(OomproofError) as caught:
        own(tmp_path, text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_speech_api_is_there_for_who_needs_one(tmp_path: Path) -> None:
    """GIVEN commands for both target and load THEN no upstream, unless one is asked for; else always one."""
    both = own(tmp_path, COMMANDS)
    assert not both.speaks
    assert not with_upstream(both, None, []).speaks
    assert with_upstream(both, "0-1", []).speaks
    assert own(tmp_path, COMMANDS + "[upstream]\n").speaks
    assert with_target(load_scenario("live"), "node server.js").speaks
    assert with_load(load_scenario("live"), kind="command", command=("k6",)).speaks
    assert [len(group) for group in by_upstream([both, both, load_scenario("live")])] == [2, 1]


def test_a_load_without_a_scenario_has_ten_minutes_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN --command and --load alone THEN session seconds are seconds, for nobody plays them faster."""
    found: list[Scenario] = []

    def note(scenarios: list[Scenario], *_: object) -> int:
        found.extend(scenarios)
        return 0

    monkeypatch.setattr(cli, "_report_on", note)
    assert cli.main(["run", "--command", "true", "--load", "true"]) == 0
    assert cli.main(["run", "--command", "true", "--load", "true", "--session-s", "1200"]) == 0
    assert [(scenario.load.pace, scenario.load.session_s) for scenario in found] == [(1, 600), (1, 1200)]


def test_a_load_of_one_s_own_is_told_where_the_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN such a load THEN its own words are run, with address, file and seed in its environment; ours have none."""
    monkeypatch.chdir(tmp_path)
    scenario = with_load(own(tmp_path, COMMANDS), seed=7)
    assert load_command(scenario, "http://127.0.0.1:1", NOBODYS, Documents(), Path("out")) == [
        "k6",
        "run",
        "x.js",
    ]
    environment = load_environment(scenario, "http://127.0.0.1:1", Path("out")) or {}
    assert environment["OOMPROOF_URL"] == "http://127.0.0.1:1"
    assert environment["OOMPROOF_REQUESTS"] == str(tmp_path / "out" / "requests.csv")
    assert environment["OOMPROOF_SEED"] == "7"
    assert "PATH" in environment
    assert load_environment(load_scenario("live"), "http://127.0.0.1:1", Path("out")) is None


def test_a_store_is_made_by_the_server_that_reads_it(tmp_path: Path) -> None:
    """GIVEN chunks made ahead for another server THEN that server makes them, from an empty store."""
    scenario = own(
        tmp_path, '[target]\ncommand = "node server.js"\npregenerated = true\n[load]\nmode = "cached"\n'
    )
    made = with_pregeneration([scenario])[0]
    assert (made.load.kind, made.target.command, made.target.pregenerated) == (
        "pregenerate",
        ("node", "server.js"),
        False,
    )


def test_commands_and_ports_are_checked_before_anything_starts(tmp_path: Path) -> None:
    """GIVEN a program that is not there THEN one line names scenario and key."""
    target = own(tmp_path, "[target]\ncommand = 'nodee'\n")
    load = own(tmp_path, "[load]\nkind = 'command'\ncommand = 'k66'\n")
    with pytest.raises(OomproofError, match=r"^scenario 'mine': target\.command: nodee: no such program"):
        check_targets([target])
    with pytest.raises(OomproofError, match=r"^scenario 'mine': load\.command: k66: no such program"):
        check_targets([load])
    check_targets([load_scenario("live")])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "run: no scenario. Name one"),
        (["--command", "true"], "run: no scenario"),
        (["--command", "true", "--load", "true", "--readers", "5"], "--readers 5: the load is a command"),
        (["--command", "true", "--load", "true", "--mix", "restless"], "--mix restless: the load is a comm"),
        (["live", "--port", "3"], "--port: the reference server has its own"),
        (["--command", "'x", "--load", "true"], '--command: "\'x": No closing quotation'),
        (["--command", "true", "--load", "'x"], '--load "\'x": No closing quotation'),
        (["--command", "true", "--load", "true", "--health", "x"], "--health: 'x': no path"),
        (["--command", "true", "--load", "true", "--port", "99999"], "--port: 99999"),
        (["--command", "nodee", "--load", "true"], "target.command: nodee: no such program"),
        (["--command", "true", "--load", "true", "--env", "PORT=1"], "--env PORT: oomproof sets it itself"),
        (
            ["--command", "true", "--load", "true", "--document", "x.pdf"],
            "--document x.pdf: the load is a command",
        ),
    ],
)
def test_a_wrong_option_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an option that does not fit THEN one line and exit code 2."""
    monkeypatch.setattr("profiles.compare.check_privilege", lambda *_: None)
    assert cli.main(["run", *arguments]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
