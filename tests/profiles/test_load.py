from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from profiles.errors import RunError
from profiles.load import Documents, Upstream, load_command, own_upstream, prepare_command
from profiles.scenario import Load, Scenario, SpeechUpstream

OWN = Upstream("http://127.0.0.1:7/v1", "none", own=True)
BOTH = Documents(Path("long.pdf"), Path("short.pdf"))


def value(command: list[str], option: str) -> str:
    """What follows an option."""
    return command[command.index(option) + 1]


def prepared(mix: str) -> list[str]:
    """The preparation for a mix."""
    return prepare_command(Load(mix=mix), "http://127.0.0.1:1", OWN, BOTH, Path("chapters.json"))


def played(**load: object) -> list[str]:
    """The load of a scenario."""
    scenario = Scenario(name="mine", load=Load.model_validate(load))
    return load_command(scenario, "http://127.0.0.1:1", OWN, BOTH, Path("run"))


def test_what_a_mix_reads_is_prepared() -> None:
    """GIVEN dialogue beside others THEN a second document; GIVEN it alone THEN no other."""
    steady, some, alone = prepared("steady"), prepared("steady=9,dialogue=1"), prepared("dialogue")
    assert value(steady, "--document") == value(some, "--document") == "long.pdf"
    assert value(some, "--dialogue-document") == "short.pdf"
    assert value(alone, "--dialogue-document") == "short.pdf"
    assert "--dialogue-document" not in steady
    assert "--document" not in alone


def test_other_voices_are_prepared_for_who_changes_them() -> None:
    """GIVEN restless people THEN the speech of the other voices is made beforehand, and for nobody else."""
    assert "--changes" in prepared("steady=3,restless=1")
    assert "--changes" not in prepared("steady,skimming,dialogue")


def test_pregeneration_makes_what_its_mix_reads() -> None:
    """GIVEN a pre-generation for a mix with dialogue THEN its command prepares both documents."""
    command = played(kind="pregenerate", mode="cached", mix="steady,dialogue")
    assert value(command, "--dialogue-document") == "short.pdf"
    assert "--pregenerate" in command


def test_readers_are_played_as_the_scenario_says() -> None:
    """The command of one process: mix, files in the run's folder, and that others judge the run."""
    command = played(mix="steady=3,restless=1", readers=7)
    assert value(command, "--mix") == "steady=3,restless=1"
    assert value(command, "--users") == value(command, "--spawn-rate") == "7"
    assert value(command, "--chapters-file") == "run/chapters.json"
    assert value(command, "--requests-file") == "run/requests.csv"
    assert value(command, "--generator-file") == "run/generator.csv"
    assert "--judged-elsewhere" in command
    assert "--processes" not in command


def test_several_processes_meet_on_a_loopback_port_of_their_own() -> None:
    """GIVEN two runs of several processes THEN each has its own port, on loopback only."""
    commands = [played(processes=2) for _ in range(2)]
    for command in commands:
        assert value(command, "--processes") == "2"
        assert value(command, "--master-bind-host") == "127.0.0.1"
        assert value(command, "--master-port") == value(command, "--master-bind-port")
    assert len({value(command, "--master-port") for command in commands}) == 2


def test_a_probe_asks_without_readers() -> None:
    """GIVEN a probe THEN it is asked for first blocks alone."""
    command = played(kind="probe", probes=3)
    assert value(command, "--count") == "3"
    assert value(command, "--requests-file") == "run/requests.csv"


def test_our_own_upstream_has_the_latency_and_the_faults(tmp_path: Path) -> None:
    """GIVEN conditions THEN the running upstream has them."""
    conditions = SpeechUpstream(latency="0-1", faults=["429=0.1", "503@30-60"])
    with own_upstream(tmp_path / "log", 5.0, 3, conditions) as upstream:
        assert upstream.process is not None
        command = [str(word) for word in upstream.process.args]  # type: ignore[union-attr]  # a list, as we gave it
        assert value(command, "--latency") == "0-1"
        assert [word for word in command if word[:3] in {"429", "503"}] == ["429=0.1", "503@30-60"]
        assert set(upstream.counts().values()) == {0}


def test_what_met_a_fault_is_counted_by_kind(tmp_path: Path) -> None:
    """GIVEN an upstream that refuses WHEN it is asked THEN its counts say how many met which fault."""
    with own_upstream(tmp_path / "log", 5.0, 1, SpeechUpstream(faults=["503"])) as upstream:
        connection = HTTPConnection(urlsplit(upstream.base_url).netloc, timeout=30)
        connection.request("POST", "/v1/audio/speech", b'{"model": "m", "voice": "alloy", "input": "Yes."}')
        assert connection.getresponse().status == 503
        connection.close()
        counts = upstream.counts()
    assert counts == {"requests": 1, "faulted": 1, "faulted_503": 1, "late": 0}


def test_an_upstream_that_does_not_tell_is_not_in_time() -> None:
    """GIVEN an upstream of ours that tells no counts THEN that is said; another's was never asked."""
    with pytest.raises(RunError, match="does not say how many answers were late"):
        Upstream("http://127.0.0.1:9/v1", "none", own=True).counts()
    assert Upstream("http://127.0.0.1:9/v1", "none", own=False).counts() == {}


def test_a_proxy_for_the_world_does_not_stand_before_our_own_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a proxy in the environment that is not there THEN our upstream starts and tells its counts."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("profiles.load._START_WITHIN_S", 10.0)
    with own_upstream(tmp_path / "log", 5.0, 1, SpeechUpstream()) as upstream:
        assert upstream.counts()["requests"] == 0
