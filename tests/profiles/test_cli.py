import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from profiles import cli
from profiles.compare import Options
from profiles.errors import RunError, Terminated
from profiles.offer import Offer
from profiles.scenario import Scenario
from profiles.verdict_record import VerdictRecord


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Offer]:
    """A machine that offers one backend, whole unless the test puts another there."""
    made = [Offer("cgroup v1", available=True)]
    monkeypatch.setattr(cli, "enter", lambda backend: made[0])
    return made


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "lve"], "scenario 'lve': unknown"),
        (["run", "live", "--readers", "0"], "--readers: 0"),
        (["run", "live", "--pace", "-1"], "--pace: -1"),
        (["run", "live", "--mix", "lazy"], "--mix: 'lazy'"),
        (["run", "live", "--processes", "0"], "--processes: 0"),
        (["run", "live", "--latency", "5-2"], "--latency: '5-2': no range of seconds"),
        (["run", "live", "--fault", "429", "--fault", "teapot"], "--fault: 'teapot': no such fault"),
        (["run", "live", "--memory", "4 gigs"], "--memory '4 gigs': not a size"),
        (["run", "live", "--memory", "900000GB"], "this machine has"),
        (["run", "live", "--swap", "half a gig"], "--swap 'half a gig': not a size"),
        (["run", "live", "--swap", "900000GB"], "VM with 921600000 MB of swap"),
        (["run", "live", "--env", "ALIGNERS"], "--env ALIGNERS: not NAME=VALUE"),
        (["run", "live", "--env", "PORT=80"], "--env PORT: oomproof sets it itself"),
        (["run", "live", "--session-s", "inf"], "--session-s: inf"),
        (["run", "live", "--upstream", "nowhere"], "--upstream nowhere: no http(s) address"),
        (["run", "live", "--upstream", "http://[::1"], "--upstream http://[::1: no http(s) address"),
        (["attach", "--url", "http://[::1"], "--url http://[::1: no http(s) address"),
        (["attach", "--url", "http://here:99999"], "--url http://here:99999: no http(s) address"),
        (["compare", "live", "live"], "scenario 'live': is named twice"),
        (["run", "live", "--balance-s", "501"], "--balance-s 501"),
        (["run", "live", "--sample-hz", "9"], "--sample-hz 9: 10 to 50"),
        (["compare", "--sample-hz", "51"], "--sample-hz 51: 10 to 50"),
        (["run", "live", "--fly-toml", "/nowhere/fly.toml"], "/nowhere/fly.toml: No such file"),
        (["run", "live", "--document", "/nowhere/book.pdf"], "/nowhere/book.pdf: no such file"),
        (["judge", "/nowhere"], "/nowhere: no run.json"),
        (["report", "/nowhere"], "/nowhere: no run folder"),
    ],
)
@pytest.mark.usefixtures("offered")
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a wrong argument THEN one line on standard error names the value; no traceback."""
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_backend_that_nobody_knows_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a wrong name THEN the line lists those that there are."""
    assert cli.main(["run", "live", "--backend", "docker"]) == 2
    assert capsys.readouterr().err.startswith(
        "oomproof: --backend 'docker': unknown. Choose one of cgroup v1, "
    )


def test_what_a_backend_lacks_is_told_before_the_run(
    offered: list[Offer], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a backend with a caveat THEN one line on standard error has it with the way out, and the run gets it."""
    offered[0] = Offer("cgroup v2", available=True, reason="no cpu here", way_out="Ask for it.")
    chosen: list[Options] = []

    def note(scenarios: object, options: Options, progress: object) -> list[VerdictRecord]:
        chosen.append(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "compare", note)
    assert cli.main(["run", "live"]) == 130
    assert capsys.readouterr().err.splitlines()[0] == "oomproof: cgroup v2: no cpu here. Ask for it."
    assert chosen[0].backend == "cgroup v2"


@pytest.mark.usefixtures("offered")
def test_a_setting_of_the_server_is_one_of_each_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN --env THEN the scenario has it, and so has the server that makes its chunks ahead."""
    told: list[tuple[Sequence[Scenario], Options]] = []

    def note(scenarios: Sequence[Scenario], options: Options, progress: object) -> list[VerdictRecord]:
        told.append((scenarios, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "compare", note)
    cli.main(["compare", "cached", "--env", "MAX_REQUESTS=9", "--env", "TITLE=a=b"])
    ((scenario,), options) = told[0]
    assert options.environment == {"MAX_REQUESTS": "9", "TITLE": "a=b"}
    assert options.environment.items() <= scenario.target.environment.items()


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (Terminated(), 130),
        (RunError("gone"), 4),
        (OSError(28, "No space left on device", "/disk"), 2),
    ],
)
def test_every_end_has_its_exit_code(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN an interruption, a broken part or a full disk THEN the documented exit code, and one line."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "compare", fail)
    assert cli.main(["run", "live"]) == status
    assert capsys.readouterr().err.count("\n") == 1


def test_the_scenarios_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """`oomproof scenarios` shows each name with its description."""
    assert cli.main(["scenarios"]) == 0
    assert "cached-to-the-letter     The plan as written" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["judge", "report"])
def test_a_folder_that_no_run_wrote_is_one_line(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a run.json that is not a run's THEN one line names it, exit code 4."""
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "run.json").write_text("{}")
    assert cli.main([command, str(tmp_path / "live" if command == "judge" else tmp_path)]) == 4
    assert "run.json: 'scenario' is missing" in capsys.readouterr().err


def _cut_off(folder: Path) -> None:
    run = {
        "scenario": {
            "name": "live", "description": "", "expect": {"verdict": "oom_killed"},
            "load": {"kind": "readers", "mode": "live", "readers": 1, "pace": 1, "session_s": 600},
        },
        "vm": {"memory_mb": 4096, "cpus": 2, "share_of_core": 0.125},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))


def test_an_old_run_is_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a run that was cut off THEN its verdict is invalid, with the reason, and exit code 4."""
    _cut_off(tmp_path)
    assert cli.main(["judge", str(tmp_path)]) == 4
    assert "live: invalid" in capsys.readouterr().out


def test_what_a_server_said_is_printed_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a server whose last words hold brackets and colons THEN they are no markup, and nothing crashes."""
    _cut_off(tmp_path)
    said = "server: ended: at [/usr/lib/node] [bold]x :warning:"
    (tmp_path / "events.jsonl").write_text(json.dumps({"t": 1.0, "event": "failed", "reason": said}) + "\n")
    assert cli.main(["judge", str(tmp_path)]) == 4
    assert said in capsys.readouterr().out
