from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from profiles.vm_size import PROJECT_FLY_TOML
from tests.fly.api import Api
from tests.fly.app_config import read_app_config
from tests.fly.scripted import EPOCH_S, Scripted
from tests.fly.series import SeriesStore

TOKEN = "fm2_secret"
MACHINE = "e2865134a39426"
FREE = "fly_instance_memory_mem_available"


class ScriptedClock:
    """The scripted machine's time."""

    def __init__(self, scripted: Scripted) -> None:
        self.skew_s = 0.0
        self._scripted = scripted

    def wall(self) -> float:
        """The Unix time."""
        return self._scripted.wall() + self.skew_s

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._scripted.now


@pytest.fixture
def api(scripted: Scripted) -> Api:
    """The interfaces of the project's own app, with one sample."""
    config = read_app_config(PROJECT_FLY_TOML)
    series = SeriesStore(30.0)
    series.add(FREE, {"app": config.app, "instance": MACHINE}, EPOCH_S, 3e9)
    return Api(config, "personal", TOKEN, MACHINE, scripted.machine, series, ScriptedClock(scripted))


def ask(
    api: Api, target: str, method: str = "GET", authorization: str = f"Bearer {TOKEN}"
) -> tuple[int, Any]:
    """The status, and the body as JSON where it is."""
    answer = api.answer(method, target, authorization)
    is_json = answer.content_type.startswith("application/json")
    return answer.status, json.loads(answer.body) if is_json else answer.body.decode()


def query(start: float = 0, end: float = 15, **more: object) -> str:
    """The path of a range query; times are seconds since the scripted start."""
    words = {"query": FREE, "start": EPOCH_S + start, "end": EPOCH_S + end, "step": 15, **more}
    return "/prometheus/personal/api/v1/query_range?" + "&".join(
        f"{key}={value}" for key, value in words.items()
    )


MACHINES = "/v1/apps/oomproof-staging/machines"


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"FlyV1 {TOKEN}"])
@pytest.mark.parametrize("target", [query(), MACHINES, f"{MACHINES}/{MACHINE}"])
def test_both_forms_of_the_token_are_taken(api: Api, target: str, authorization: str) -> None:
    """GIVEN the token in either of its forms THEN both interfaces answer."""
    assert ask(api, target, authorization=authorization)[0] == 200


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer another", f"Basic {TOKEN}"])
@pytest.mark.parametrize("target", [query(), MACHINES, f"{MACHINES}/{MACHINE}", "/v1/apps/unknown/machines"])
def test_a_wrong_token_is_refused_and_learns_nothing(api: Api, target: str, authorization: str) -> None:
    """GIVEN another token, or none THEN 401, whether or not there is what it asks for."""
    assert ask(api, target, authorization=authorization)[0] == 401


def test_a_range_is_answered_as_prometheus_does(api: Api, scripted: Scripted) -> None:
    """GIVEN one sample THEN a matrix of one series, its values as text at Unix times."""
    scripted.pass_time(20)
    metric = {"__name__": FREE, "app": "oomproof-staging", "instance": MACHINE}
    values = [[int(EPOCH_S), "3000000000"], [int(EPOCH_S) + 15, "3000000000"]]
    data = {"resultType": "matrix", "result": [{"metric": metric, "values": values}]}
    assert ask(api, query()) == (200, {"status": "success", "data": data})


def test_the_newest_value_is_answered_too(api: Api) -> None:
    """GIVEN an instant query THEN a vector."""
    status, found = ask(api, f"/prometheus/personal/api/v1/query?query={FREE}")
    assert (status, found["data"]["resultType"]) == (200, "vector")
    assert found["data"]["result"][0]["value"] == [int(EPOCH_S), "3000000000"]


def test_another_app_is_no_error_for_prometheus(api: Api) -> None:
    """GIVEN an app that nobody knows THEN an empty matrix."""
    status, found = ask(api, query(query=f"{FREE}%7Bapp%3D%22another%22%7D"))
    assert (status, found["data"]["result"]) == (200, [])


@pytest.mark.parametrize("target", [query(query="sum(x)"), query(step="soon"), query(step=0), query(end=-1)])
def test_what_cannot_be_answered_is_said_as_prometheus_does(api: Api, target: str) -> None:
    """GIVEN a query or a range that is none THEN 400, and why."""
    status, found = ask(api, target)
    assert (status, found["status"], found["errorType"]) == (400, "error", "bad_data")
    assert found["error"]


def test_another_organisation_is_refused(api: Api) -> None:
    """GIVEN an organisation that the token is not of THEN 401."""
    assert ask(api, query().replace("personal", "another"))[0] == 401


def test_samples_may_be_told_late(api: Api, scripted: Scripted) -> None:
    """GIVEN a lag of 30 s THEN a sample is not there before they have passed."""
    api.lag_s = 30.0
    scripted.pass_time(29)
    assert ask(api, query())[1]["data"]["result"] == []
    scripted.pass_time(1)
    assert ask(api, query())[1]["data"]["result"]


def test_the_machine_is_told_with_its_events(api: Api, scripted: Scripted) -> None:
    """GIVEN a kill for memory THEN the list and the machine itself say so, the newest event first."""
    scripted.guest.kill(main=True)
    scripted.pass_time(1)
    status, listed = ask(api, MACHINES)
    assert (status, len(listed)) == (200, 1)
    machine = ask(api, f"{MACHINES}/{MACHINE}")[1]
    assert machine == listed[0]
    assert (machine["id"], machine["state"], machine["region"]) == (MACHINE, "stopped", "cdg")
    assert machine["config"]["guest"] == {"cpu_kind": "shared", "cpus": 2, "memory_mb": 4096}
    newest = machine["events"][0]
    assert (newest["type"], newest["status"], newest["source"]) == ("exit", "stopped", "flyd")
    assert newest["timestamp"] == int((EPOCH_S + 0.5) * 1000)
    assert newest["request"]["exit_event"]["oom_killed"] is True


@pytest.mark.parametrize("target", ["/v1/apps/another/machines", f"{MACHINES}/another", "/v2/apps", "/"])
def test_what_is_not_there_is_404(api: Api, target: str) -> None:
    """GIVEN another app, machine or path THEN 404."""
    assert ask(api, target)[0] == 404


def test_a_machine_is_stopped_and_started(api: Api, scripted: Scripted) -> None:
    """GIVEN the orders of the machines API THEN they are carried out, and refused where they do not fit."""
    assert ask(api, f"{MACHINES}/{MACHINE}/stop", "POST")[0] == 200
    assert ask(api, f"{MACHINES}/{MACHINE}/stop", "POST")[0] == 412
    scripted.guest.returncode = 0
    scripted.pass_time(1)
    assert ask(api, f"{MACHINES}/{MACHINE}")[1]["state"] == "stopped"
    assert ask(api, f"{MACHINES}/{MACHINE}/start", "POST")[0] == 200
    assert ask(api, f"{MACHINES}/{MACHINE}")[1]["state"] == "started"


def test_a_clock_that_is_ahead_is_ahead_in_every_stamp(api: Api, scripted: Scripted) -> None:
    """GIVEN a clock set a minute ahead THEN what is newest is known as soon as its own time says so."""
    assert ask(api, "/stand-in/set?skew_s=60", "POST")[1]["skew_s"] == 60
    assert api.clock.wall() == EPOCH_S + 60
    assert ask(api, query(start=30, end=60, step=30))[1]["data"]["result"] == []
    assert ask(api, query(start=15, end=60))[1]["data"]["result"]


def test_on_a_bad_day_nothing_of_flys_answers(api: Api) -> None:
    """GIVEN a failure of Fly's own THEN 503 from both, and the truth is told all the same."""
    ask(api, "/stand-in/set?broken=true", "POST")
    assert [ask(api, target)[0] for target in (query(), MACHINES)] == [503, 503]
    assert ask(api, "/stand-in", authorization="")[0] == 200
    ask(api, "/stand-in/set?broken=false", "POST")
    assert ask(api, MACHINES)[0] == 200


def test_the_truth_is_told_to_a_test(api: Api, scripted: Scripted) -> None:
    """GIVEN a kill and a crash THEN each is there as it was."""
    scripted.guest.kill(main=True)
    scripted.pass_time(10)
    scripted.guest.returncode = -signal.SIGABRT
    scripted.pass_time(1)
    truth = ask(api, "/stand-in")[1]
    assert [(death["returncode"], death["oom_killed"]) for death in truth["deaths"]] == [
        (-9, True),
        (-6, False),
    ]


def test_auto_stop_is_no_persons_doing(api: Api, scripted: Scripted) -> None:
    """GIVEN a stop by the proxy THEN the events say whose it was."""
    assert ask(api, "/stand-in/auto-stop", "POST")[0] == 200
    scripted.guest.returncode = 0
    scripted.pass_time(1)
    events = ask(api, MACHINES)[1][0]["events"]
    assert [(event["type"], event["source"]) for event in events[:2]] == [("exit", "flyd"), ("stop", "proxy")]


def test_the_projects_own_app_is_read(tmp_path: Path) -> None:
    """GIVEN fly.toml THEN its app, its VM and how it ends; what it leaves out is as Fly has it."""
    config = read_app_config(PROJECT_FLY_TOML)
    assert (config.app, config.size.memory_mb, config.environment["PORT"]) == (
        "oomproof-staging",
        4096,
        "8003",
    )
    plain = tmp_path / "fly.toml"
    plain.write_text('app = "x"\nkill_timeout = "2m"\n[[vm]]\nsize = "shared-cpu-1x"\n')
    found = read_app_config(plain)
    assert (found.policy, found.retries, found.kill_signal) == ("on-failure", 10, signal.SIGINT)
    assert (found.kill_timeout_s, found.size.memory_mb, found.environment) == (120.0, 256, {})
