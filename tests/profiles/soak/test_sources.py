"""What each witness says is read as it is meant, and a witness that says something else is a fault, never a finding."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiles.soak.findings import Told
from profiles.soak.log_file import LogSource
from profiles.soak.machines import MachinesSource
from profiles.soak.moments import Moment
from profiles.soak.page import PageSource
from profiles.soak.prometheus import EXIT_OOM, PrometheusSource
from profiles.soak.web import Answer, Fault, Place

NOW = Moment(1000.0, 1_800_000_000.0)
BEGUN = Moment(980.0, NOW.wall_s - 20)
MIB = 1024 * 1024
PLACE = Place("http://fly.test")


def answering(
    monkeypatch: pytest.MonkeyPatch, module: str, answer: Callable[[Place], object], ahead_s: float = 0.0
) -> None:
    """Have a source's questions answered so; JSON unless it is bytes."""

    def ask(place: Place, **_: object) -> Answer:
        said = answer(place)
        return Answer(said if isinstance(said, bytes) else json.dumps(said).encode(), ahead_s)

    monkeypatch.setattr(f"profiles.soak.{module}.ask", ask)


def page(started: float = 100.0, cpu_s: float = 5.0, rss_mb: float = 60) -> bytes:
    """A metrics page."""
    return (
        f"process_resident_memory_bytes {rss_mb * MIB}\nprocess_start_time_seconds {started}\n"
        f"process_cpu_seconds_total {cpu_s}\nprocess_open_fds 9\n"
    ).encode()


def paged(monkeypatch: pytest.MonkeyPatch, source: PageSource, said: bytes, t: float = 1000.0) -> list[Told]:
    """The events of a look at this page."""
    answering(monkeypatch, "page", lambda place: said)
    return list(source.look(Moment(t, 1_800_000_000.0 + t)).events)


def test_a_start_time_that_moved_is_a_restart_and_cpu_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN another start THEN when the old one was seen last, what it held, and CPU time that does not fall."""
    source = PageSource(PLACE, {})
    assert [one.event for one in paged(monkeypatch, source, page(), 10)] == ["started"]
    (told,) = paged(monkeypatch, source, page(started=200, cpu_s=1), 25)
    assert (told.event, told.facts["last_seen_t"], told.facts["server_started_s"]) == (
        "restart_seen",
        10,
        200,
    )
    assert told.facts["held"] == {"server": {"processes": 1, "rss_mb": 60.0}}
    answering(monkeypatch, "page", lambda place: page(started=200, cpu_s=2))
    assert source.look(NOW).values["cpu_s"] == 7


def test_a_restart_right_after_a_start_is_seen_by_cpu_time_that_fell(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a start 1.7 s after the last one THEN it is seen where the CPU time fell, and else taken for a clock's."""
    source = PageSource(PLACE, {})
    paged(monkeypatch, source, page(cpu_s=0.9))
    assert paged(monkeypatch, source, page(started=101.7, cpu_s=0.9)) == []
    assert [one.event for one in paged(monkeypatch, source, page(started=103.4, cpu_s=0.5))] == [
        "restart_seen"
    ]


@pytest.mark.parametrize(
    ("started", "events"), [(102.0, []), (102.1, ["restart_seen"]), (90.0, ["start_went_back"])]
)
def test_a_restart_is_a_start_that_moved_on(
    monkeypatch: pytest.MonkeyPatch, started: float, events: list[str]
) -> None:
    """GIVEN a start time that moved by 2 s, by more, or back THEN nothing, a restart, or a word of two machines."""
    source = PageSource(PLACE, {})
    paged(monkeypatch, source, page())
    assert [one.event for one in paged(monkeypatch, source, page(started=started))] == events


def test_a_page_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN what a source noted WHEN another goes on from it THEN a restart between them is seen."""
    before = PageSource(PLACE, {})
    paged(monkeypatch, before, page(cpu_s=5), 10)
    after = PageSource(PLACE, json.loads(json.dumps(before.state())))
    assert [one.event for one in paged(monkeypatch, after, page(started=300, cpu_s=1), 400)] == [
        "restart_seen"
    ]
    assert after.state()["cpu_before_s"] == 5


@pytest.mark.parametrize(
    "said", [b"<html>process_resident_memory_bytes</html>", b"", b"process_resident_memory_bytes NaN\n"]
)
def test_what_is_no_page_is_a_fault(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """GIVEN HTML, nothing, or no number THEN a fault, and no sample."""
    with pytest.raises(Fault, match="says no process_resident_memory_bytes"):
        paged(monkeypatch, PageSource(PLACE, {}), said)


def fly_event(
    name: str, kind: str = "exit", stamp_s: float = 1_799_999_990.0, **exit_event: object
) -> dict[str, Any]:
    """An event of a machine."""
    return {"id": name, "type": kind, "timestamp": stamp_s * 1000, "request": {"exit_event": exit_event}}


def machines_of(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer of the machines API."""
    return [{"id": "m1", "state": "started", "region": "cdg", "events": list(events)}]


def test_machine_events_are_told_once_and_those_of_before_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an old event, then two new ones, the younger first THEN those two in time's order, and then no more."""
    source = MachinesSource(PLACE, "app", None, {})
    answering(monkeypatch, "machines", lambda place: machines_of(fly_event("a")))
    assert [one.event for one in source.look(NOW).events] == ["machine_state"]
    later = machines_of(
        fly_event("c", stamp_s=1_799_999_999), fly_event("b", stamp_s=1_799_999_995), fly_event("a")
    )
    answering(monkeypatch, "machines", lambda place: later)
    told = source.look(NOW).events
    assert [(one.facts["id"], one.t) for one in told] == [("b", 995.0), ("c", 999.0)]
    assert source.look(NOW).events == ()
    again = MachinesSource(PLACE, "app", None, json.loads(json.dumps(source.state())))
    assert [one.event for one in again.look(NOW).events] == ["machine_state"]


def refusing(place: Place, **_: object) -> Answer:
    """Who does not answer."""
    raise Fault("status", "status 503", 503)


def test_what_was_while_fly_did_not_answer_at_first_is_not_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no answer at first WHEN they come, also later on THEN what was since the first question is new."""
    source = MachinesSource(PLACE, "app", None, {})
    monkeypatch.setattr("profiles.soak.machines.ask", refusing)
    for t in (900.0, 915.0):
        with pytest.raises(Fault):
            source.look(Moment(t, NOW.wall_s - 1000 + t))
    source = MachinesSource(PLACE, "app", None, json.loads(json.dumps(source.state())))
    found = machines_of(fly_event("b", stamp_s=NOW.wall_s - 90), fly_event("a", stamp_s=NOW.wall_s - 110))
    answering(monkeypatch, "machines", lambda place: found)
    assert [one.facts.get("id") for one in source.look(NOW).events] == ["b", None]
    assert source.look(NOW).events == ()

    monitored = PrometheusSource(PLACE, "app", None, {})
    monkeypatch.setattr("profiles.soak.prometheus.ask", refusing)
    with pytest.raises(Fault):
        monitored.look(Moment(900.0, NOW.wall_s - 100))
    answering(monkeypatch, "prometheus", series(oom=[(-120.0, 1.0), (-60.0, 1.0)]))
    assert exits(monitored) == [940.0]


def test_what_an_exit_event_leaves_out_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an exit event of one field THEN the others are false and zero; of a clock 90 s ahead, at its right time."""
    source = MachinesSource(PLACE, "app", None, {"since_ms": 0, "seen": []})
    answering(
        monkeypatch,
        "machines",
        lambda place: machines_of(fly_event("a", stamp_s=1_800_000_060, restarting=True)),
        90,
    )
    told = next(one for one in source.look(NOW).events if one.event == "machine_event")
    assert told.t == 970.0
    facts = {name: told.facts[name] for name in ("oom_killed", "exit_code", "requested_stop", "restarting")}
    assert facts == {"oom_killed": False, "exit_code": 0, "requested_stop": False, "restarting": True}


def test_an_exit_is_read_where_flys_client_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an exit inside a MonitorEvent, beside an older form or alone THEN what it says; else nothing."""
    requests: list[dict[str, Any]] = [
        {"MonitorEvent": {"exit_event": {"oom_killed": True}}, "exit_event": {"exit_code": 1}},
        {"MonitorEvent": {"exit_event": {"requested_stop": True}}},
        {"MonitorEvent": {}},
        {},
    ]
    found = [{**fly_event(str(number)), "request": request} for number, request in enumerate(requests)]
    answering(monkeypatch, "machines", lambda place: machines_of(*found))
    told = MachinesSource(PLACE, "app", None, {"since_ms": 0, "seen": []}).look(NOW).events
    said = [one.facts for one in told if one.event == "machine_event"]
    assert [one.get("oom_killed") for one in said] == [True, False, None, None]
    assert [one.get("requested_stop") for one in said] == [False, True, None, None]


def test_a_console_that_ends_is_no_end_of_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN machines for a console and for a deploy's command beside the app's THEN only the app's is told of."""
    groups = ("app", "fly_app_console", "fly_app_release_command", None)
    found = [
        {"id": f"m{number}", "state": "stopped", "events": [fly_event(f"e{number}")], **config}
        for number, group in enumerate(groups)
        for config in ([{"config": {"metadata": {"fly_process_group": group}}}] if group else [{}])
    ]
    answering(monkeypatch, "machines", lambda place: found)
    told = MachinesSource(PLACE, "app", None, {"since_ms": 0, "seen": []}).look(NOW).events
    assert {one.facts["machine"] for one in told} == {"m0", "m3"}


def test_a_machine_without_its_events_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a list that leaves events out THEN the machine itself is asked."""

    def answer(place: Place) -> object:
        return (
            machines_of(fly_event("a"))[0]
            if place.address.endswith("/m1")
            else [{"id": "m1", "state": "started"}]
        )

    answering(monkeypatch, "machines", answer)
    machines, _ = MachinesSource(PLACE, "app", None, {}).machines()
    assert machines[0]["events"][0]["id"] == "a"


@pytest.mark.parametrize("said", [{"error": "x"}, b"<html>", [1]])
def test_what_is_no_list_of_machines_is_a_fault(monkeypatch: pytest.MonkeyPatch, said: object) -> None:
    """GIVEN anything else THEN a fault."""
    answering(monkeypatch, "machines", lambda place: said)
    with pytest.raises(Fault):
        MachinesSource(PLACE, "app", None, {}).look(NOW)


def series(**values: list[tuple[float, float]]) -> Callable[[Place], object]:
    """Prometheus with these series, `total` and so on, at seconds before now (negative) or since."""
    full = {"total": "fly_instance_memory_mem_total", "available": "fly_instance_memory_mem_available",
            "balance": "fly_instance_cpu_balance", "oom": EXIT_OOM}  # fmt: skip

    def answer(place: Place) -> object:
        found = [values[short] for short, name in full.items() if short in values and name in place.address]
        points = [[NOW.wall_s + t, str(value)] for t, value in found[0]] if found else []
        return {"status": "success", "data": {"resultType": "matrix",
                "result": [{"metric": {"instance": "m1"}, "values": points}] if points else []}}  # fmt: skip

    return answer


def test_memory_is_what_cannot_be_given_back_and_balance_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN totals, what is available and a balance in hundredths THEN bytes and seconds; copies are no samples."""
    source = PrometheusSource(
        PLACE, "app", None, {"last_unix_s": NOW.wall_s - 100, "begun_unix_s": NOW.wall_s - 900}
    )
    times = [-45.0, -30.0, -15.0]
    available = [(-45.0, 3000.0 * MIB), (-30.0, 2900.0 * MIB), (-15.0, 2900.0 * MIB)]
    said = series(
        total=[(t, 4096 * MIB) for t in times], available=available, balance=[(t, 5000) for t in times]
    )
    answering(monkeypatch, "prometheus", said)
    samples = source.look(NOW).samples
    assert [(one["t"], one["anon_bytes"], one["balance_s"]) for one in samples] == [
        (955.0, 1096 * MIB, 50.0),
        (970.0, 1196 * MIB, 50.0),
    ]
    assert source.look(NOW).samples == ()


def exits(source: PrometheusSource) -> list[float]:
    """When the exits were that a look tells of."""
    return [one.t for one in source.look(NOW).events if one.event == "exit_oom"]


def test_each_exit_for_memory_counts_though_all_are_a_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a 1 with its copies, a gap, and a 1 again THEN two exits, told once, late ones too; not those before us."""
    source = PrometheusSource(PLACE, "app", None, {"begun_unix_s": NOW.wall_s - 600})
    ones = [(-1200.0, 1.0), (-300.0, 1.0), (-285.0, 1.0), (-60.0, 1.0)]
    answering(monkeypatch, "prometheus", series(oom=ones))
    assert exits(source) == [700.0, 940.0]
    answering(monkeypatch, "prometheus", series(oom=[*ones, (-500.0, 1.0), (-480.0, 0.0)]))
    assert exits(source) == [500.0]
    again = PrometheusSource(PLACE, "app", None, json.loads(json.dumps(source.state())))
    assert exits(again) == []


def test_an_exit_that_is_told_of_for_hours_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a series that stays at 1 after its exit THEN one exit, also when the exit has left what is asked for."""
    source = PrometheusSource(PLACE, "app", None, {"begun_unix_s": NOW.wall_s - 20_000})
    found: list[Told] = []
    for look in range(40):
        t = 120.0 * look
        asked_from = max(0.0, t - 120.0) - 1800  # of the look before, so far back
        lasting = [(float(at), 1.0) for at in range(-60, int(t) + 1, 15) if at >= asked_from]
        answering(monkeypatch, "prometheus", series(oom=lasting))
        found += source.look(Moment(NOW.t + t, NOW.wall_s + t)).events
    assert [one.t for one in found if one.event == "exit_oom"] == [940.0]


@pytest.mark.parametrize(
    "said", [b"<html>", {"status": "error", "error": "no"}, {"status": "success", "data": {}}, []]
)
def test_what_is_no_series_is_a_fault(monkeypatch: pytest.MonkeyPatch, said: object) -> None:
    """GIVEN anything else THEN a fault, and no memory of zero."""
    answering(monkeypatch, "prometheus", lambda place: said)
    with pytest.raises(Fault):
        PrometheusSource(PLACE, "app", None, {}).look(NOW)


KERNEL = (
    "2027-01-15T07:59:50Z app[m1] cdg [info] [  12.345678] Out of memory: Killed process 314 (python) "
    "total-vm:1kB, anon-rss:102400kB, file-rss:1kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n"
)
INIT = "2027-01-15T07:59:51Z app[m1] cdg [info] INFO Process appears to have been OOM killed!\n"


def test_a_log_is_read_as_it_grows(tmp_path: Path) -> None:
    """GIVEN lines of before, then a kernel's line in two pieces and the init's THEN both, once, at their own times."""
    path = tmp_path / "app.log"
    path.write_text(KERNEL)
    source = LogSource(path, {})
    assert source.look(BEGUN).events == ()
    with path.open("a") as file:
        file.write(KERNEL[:80])
    assert source.look(NOW).events == ()
    with path.open("a") as file:
        file.write(KERNEL[80:] + INIT)
    told = source.look(NOW).events
    assert [(one.facts["told_by"], one.facts.get("comm"), one.t) for one in told] == [
        ("kernel", "python", 990.0),
        ("init", None, 991.0),
    ]
    again = LogSource(path, json.loads(json.dumps(source.state())))
    assert again.look(NOW).events == ()


def test_what_fly_logs_prints_once_more_is_the_same_kill(tmp_path: Path) -> None:
    """GIVEN `fly logs` started again, with its last lines once more THEN no kill twice, none of before, also later."""
    path = tmp_path / "app.log"
    path.write_text("")
    source = LogSource(path, {})
    assert source.look(BEGUN).events == ()
    before = KERNEL.replace("07:59:50", "07:30:00").replace("314", "7") + INIT.replace("07:59:51", "07:30:01")
    with path.open("a") as file:
        file.write(before + KERNEL + INIT + before + KERNEL + INIT)
    assert [(one.facts["told_by"], one.t) for one in source.look(NOW).events] == [
        ("kernel", 990.0),
        ("init", 991.0),
    ]
    again = LogSource(path, json.loads(json.dumps(source.state())))
    with path.open("a") as file:
        file.write(before + KERNEL + INIT + KERNEL.replace("314", "315"))
    assert [one.facts.get("pid") for one in again.look(NOW).events] == [315]


def test_a_log_that_was_rotated_is_read_from_its_start(tmp_path: Path) -> None:
    """GIVEN another file under the name THEN all of it is new."""
    path = tmp_path / "app.log"
    path.write_text("nothing\n" * 100)
    source = LogSource(path, {})
    source.look(BEGUN)
    path.rename(tmp_path / "app.log.1")
    path.write_text(INIT)
    assert [one.facts["told_by"] for one in source.look(NOW).events] == ["init"]


def test_a_log_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    """GIVEN no file THEN a fault that names it."""
    with pytest.raises(Fault, match=r"app\.log"):
        LogSource(tmp_path / "app.log", {}).look(NOW)
