"""Soaks of hours in a scripted world: what is told of the server, and that a soak that is killed loses nothing."""

from __future__ import annotations

import csv
import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profiles.comparison import Comparison
from profiles.errors import OomproofError
from profiles.report_limits import limits
from profiles.report_text import headline
from profiles.run_folder import RunFolder
from profiles.soak.alarms import Thresholds
from profiles.soak.asked import Secrets
from profiles.soak.readers import Readers
from profiles.soak.record import Record, asked_before, read_soak
from profiles.soak.soak import begin, soak
from profiles.soak.watch import ALARMED, STOPPED, TIME_OVER
from profiles.soak.web import Fault
from profiles.verdict_record import VerdictRecord
from tests.profiles.soak.scripted import (
    FLY,
    OOM,
    PAGE,
    WALL_S,
    End,
    ScriptedClock,
    Shown,
    World,
    enter,
    soaked,
)

CRASHES = (
    End(700, OOM, counted=True),
    End(1500, {"exit_code": 0, "requested_stop": True}, update=True),
    End(2003, OOM),
)


def told(record: VerdictRecord) -> dict[str, object]:
    """What a verdict says of the server, without what a lost interval may change."""
    names = (
        "verdict",
        "victim_role",
        "server_kills",
        "child_kills",
        "oom_kills",
        "restarts",
        "growth",
        "met",
    )
    deaths = [(death["cause"], round(death["after_s"])) for death in record.deaths or ()]
    return {**{name: getattr(record, name) for name in names}, "deaths": deaths}


def test_a_server_that_lives_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an hour without an end THEN survived, flat, with a sample each interval, and memory as it was told."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    ended = soaked(tmp_path / "soak", FLY, clock)
    assert (ended.record.verdict, ended.record.met, ended.alarms, ended.reason) == (
        "survived",
        True,
        0,
        TIME_OVER,
    )
    assert (ended.record.growth, ended.record.vm_backend) == ("flat", "remote")
    assert ended.record.samples == 241
    assert ended.record.peak_tree_rss_mb == 65.0
    assert ended.record.peak_anon_mb == 264.0
    assert ended.record.balance_left_s == 500.0


def test_each_end_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN two kills and a deploy between THEN two kills with what was held, and a deploy that is no death."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, CRASHES))
    shown = Shown()
    record = soaked(tmp_path / "soak", FLY, clock, shown).record
    assert told(record)["deaths"] == [("machine_kill", 700), ("machine_kill", 2003)]
    assert (record.verdict, record.victim_role, record.server_kills, record.restarts) == (
        "oom_killed",
        "server",
        2,
        3,
    )
    assert (record.killed_after_s, record.child_kills) == (700.0, 0)
    assert record.held_at_kill["server"]["rss_mb"] == pytest.approx(62, abs=3)
    evidence = " ".join(record.deaths[0]["evidence"]) if record.deaths else ""
    assert "oom_killed True" in evidence
    assert "fly_instance_exit_oom" in evidence
    assert "the machine held" in evidence
    (stop,) = RunFolder(tmp_path / "soak").named("stopped_on_purpose")
    assert (stop.text("why"), stop.t) == ("a deploy", 1500)
    assert sum("killed for memory" in line for line in shown.lines) == 2
    assert sum("stopped and started: a deploy" in line for line in shown.lines) == 1


def test_what_a_machine_held_is_told_with_the_time_of_its_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN samples that are told a minute late THEN the evidence of a kill says how long before it was taken."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, (End(703, OOM),), lag_s=60))
    (death,) = soaked(tmp_path / "soak", FLY, clock).record.deaths or ()
    (line,) = [line for line in death["evidence"] if "the machine held" in line]
    assert 58 <= int(line.split(" s before")[0]) <= 73


@pytest.mark.parametrize(
    ("exit_event", "verdict", "cause"),
    [
        ({"exit_code": 1}, "crashed", "crash"),
        ({}, "crashed", "clean_exit"),
        ({"exit_code": 137}, "killed", "sigkill_by_other"),
        ({"exit_code": 0, "guest_signal": 9}, "killed", "sigkill_by_other"),
        ({"oom_killed": True}, "oom_killed", "machine_kill"),
    ],
)
def test_an_exit_is_what_fly_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exit_event: dict[str, object], verdict: str, cause: str
) -> None:
    """GIVEN an exit that nobody asked for THEN its code, its signal and its flag decide; what is left out is zero."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, (End(700, exit_event),)))
    record = soaked(tmp_path / "soak", FLY, clock).record
    assert (record.verdict, [death["cause"] for death in record.deaths or ()]) == (verdict, [cause])
    assert record.restarts == 1


@pytest.mark.parametrize("by", ["proxy", "flyd"])
def test_a_machine_that_was_let_sleep_is_no_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """GIVEN a stop that nobody's hand is seen in THEN auto-stop, and it survived."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, (End(700, {"requested_stop": True}, by=by),)))
    ended = soaked(tmp_path / "soak", FLY, clock)
    assert (ended.record.verdict, ended.record.restarts, ended.alarms) == ("survived", 1, 0)
    assert any("auto-stop" in line for line in ended.record.evidence)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_machine_that_was_stopped_for_long_is_no_death_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, resumed: bool
) -> None:
    """GIVEN a stop by hand, and a start 25 min later THEN told once, and no alarm; also of a soak that went on."""
    clock = ScriptedClock()
    stop = End(700, {"requested_stop": True}, down_s=1500)
    enter(monkeypatch, World(clock, (stop,)))
    shown = Shown()
    if resumed:
        assert soaked(tmp_path / "soak", replace(FLY, seconds=1500), clock, shown).record.restarts == 0
    ended = soaked(tmp_path / "soak", replace(FLY, seconds=3600), clock, shown)
    assert (ended.record.verdict, ended.alarms) == ("survived", 0)
    assert sum("stopped and started" in line for line in shown.lines) == 1
    assert not any("ended by itself" in line for line in shown.lines)


def test_a_restart_without_an_explanation_is_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN only the page, and a start time that moved THEN crashed, and it says that nothing explains it."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, (End(700),)))
    record = soaked(tmp_path / "soak", PAGE, clock).record
    assert (record.verdict, record.restarts, record.oom_kills) == ("crashed", 1, None)
    assert "nothing explains it" in record.evidence


def test_a_gap_of_our_own_network_is_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN ten minutes in which nobody is reached THEN told as our own, filled by what Fly remembers, and survived."""
    clock = ScriptedClock()
    away = lambda who, t: Fault("silent", "no whole answer within 5 s") if 600 <= t < 1200 else None  # noqa: E731
    enter(monkeypatch, World(clock, down=away))
    ended = soaked(tmp_path / "soak", FLY, clock)
    folder = RunFolder(tmp_path / "soak")
    assert (ended.record.verdict, ended.alarms) == ("survived", 0)
    assert [event.t for event in folder.named("network_lost")] == [600]
    assert [event.facts["after_s"] for event in folder.named("network_back")] == [600]
    assert sum(600 < sample.t < 1200 for sample in folder.samples) >= 38
    assert ended.record.longest_sample_gap_s is not None
    assert ended.record.longest_sample_gap_s < 31


@pytest.mark.parametrize(("from_t", "verdict"), [(3300, "survived"), (1800, "invalid")])
def test_a_network_that_is_gone_at_the_end_is_no_verdict_on_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_t: float, verdict: str
) -> None:
    """GIVEN nobody who is reached from then to the end THEN survived, and it says so; of half the time nobody knows."""
    clock = ScriptedClock()
    away = lambda who, t: Fault("silent", "no whole answer within 5 s") if t >= from_t else None  # noqa: E731
    enter(monkeypatch, World(clock, down=away))
    record = soaked(tmp_path / "soak", FLY, clock).record
    assert record.verdict == verdict
    assert "network" in " ".join(record.evidence)


@pytest.mark.parametrize(("gone", "alarms"), [(True, 0), (False, 1)])
def test_a_gap_of_our_own_network_raises_no_alarm_of_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, gone: bool, alarms: int
) -> None:
    """GIVEN readers without an answer for ten minutes THEN an alarm, unless nobody could be reached meanwhile."""
    clock = ScriptedClock()
    world = World(clock)
    if gone:
        world.down = lambda who, t: Fault("network", "no way there") if 600 <= t < 1200 else None
    enter(monkeypatch, world)

    def read() -> None:
        status = 0 if 590 <= world.t < 1190 else 200
        with (tmp_path / "soak" / "requests.csv").open("a") as file:
            file.write(f"{world.t},0,chunk,{status},9,0.1,0.0,needed\n" * 2)

    clock.on_sleep = read
    begin(tmp_path / "soak", FLY, None, None)
    (tmp_path / "soak" / "requests.csv").write_text("t,reader,kind,status,bytes,latency_s,late_s,source\n")
    assert soaked(tmp_path / "soak", replace(FLY, most=Thresholds(failures=0.02)), clock).alarms == alarms


def test_a_kill_before_the_network_was_gone_is_one_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a kill, and nobody who is reached for the second half THEN killed."""
    clock = ScriptedClock()
    away = lambda who, t: Fault("silent", "no whole answer within 5 s") if t >= 1800 else None  # noqa: E731
    enter(monkeypatch, World(clock, CRASHES[:1], down=away))
    assert soaked(tmp_path / "soak", FLY, clock).record.verdict == "oom_killed"


def test_a_server_that_does_not_answer_is_not_our_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a page that is gone while Fly answers THEN no word of our network, and unhealthy when it stays so."""
    clock = ScriptedClock()
    gone = lambda who, t: Fault("refused", "nothing listens there") if who == "page" and t > 600 else None  # noqa: E731
    enter(monkeypatch, World(clock, down=gone))
    record = soaked(tmp_path / "soak", FLY, clock).record
    assert not RunFolder(tmp_path / "soak").named("network_lost")
    assert record.verdict == "unhealthy"


def test_a_server_that_does_not_answer_for_a_whole_window_is_an_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a page that is silent for longer than the window while its machine runs THEN silence, told early."""
    clock = ScriptedClock()
    hung = lambda who, t: Fault("silent", "no whole answer") if who == "page" and t >= 600 else None  # noqa: E731
    enter(monkeypatch, World(clock, down=hung))
    ended = soaked(tmp_path / "soak", replace(FLY, window_s=900.0, on_alarm="end"), clock)
    (line,) = (tmp_path / "soak" / "alarms.jsonl").read_text().splitlines()
    assert (json.loads(line)["alarm"], ended.reason) == ("silence", ALARMED)
    assert json.loads(line)["t"] == 1485  # the last answer was 900 s before, at 585


def test_a_question_that_fails_at_the_very_end_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a page that does not answer at the last look, and does 10 s later THEN survived."""
    clock = ScriptedClock()
    late = lambda who, t: Fault("silent", "no whole answer") if who == "page" and 3600 <= t < 3610 else None  # noqa: E731
    enter(monkeypatch, World(clock, down=late))
    assert soaked(tmp_path / "soak", FLY, clock).record.verdict == "survived"
    assert clock.monotonic_s - 5000 == 3612


def test_a_leak_has_its_hours_until_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN 400 MB an hour on a machine of 4096 MB THEN a leak with the hours that are left, inside their interval."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, mb_per_hour=400))
    record = soaked(tmp_path / "soak", FLY, clock).record
    assert record.growth == "leak"
    assert record.growth_mb_per_hour == pytest.approx(400, rel=0.02)
    assert record.hours_to_limit == pytest.approx((4096 - 675) / 400, rel=0.05)
    assert record.hours_to_limit_low is not None
    assert record.hours_to_limit_high is not None
    assert record.hours_to_limit_low <= (record.hours_to_limit or 0) <= record.hours_to_limit_high


def test_without_a_page_the_machines_memory_tells_of_growth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN Fly alone THEN the growth is that of what the machine cannot give back."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, mb_per_hour=400))
    record = soaked(tmp_path / "soak", replace(FLY, metrics=""), clock).record
    assert (record.growth, record.growth_measured_by) == ("leak", "VM anonymous")
    assert record.growth_mb_per_hour == pytest.approx(400, rel=0.02)


def test_a_clock_that_is_ahead_is_told_and_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a Fly whose clock is five minutes ahead THEN its kill is where it was, and the skew is told."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, CRASHES[:1], ahead_s=300))
    record = soaked(tmp_path / "soak", FLY, clock).record
    assert record.killed_after_s == pytest.approx(700, abs=0.1)
    told_of = RunFolder(tmp_path / "soak").named("clock_skew")
    assert [event.facts["ahead_s"] for event in told_of] == [300, 300]
    assert {event.text("source") for event in told_of} == {"prometheus", "machines"}
    assert record.restarts == 1


def test_our_own_clock_that_is_set_moves_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a wall clock that is set by an hour THEN it is told, and samples stay an interval apart."""
    clock = ScriptedClock()
    world = World(clock)
    enter(monkeypatch, world)

    def jump() -> None:
        if clock.monotonic_s - 5000 == 600:
            clock.wall_s += 3600

    clock.on_sleep = jump
    record = soaked(tmp_path / "soak", PAGE, clock).record
    assert [event.facts["by_s"] for event in RunFolder(tmp_path / "soak").named("clock_jump")] == [3600]
    assert (record.longest_sample_gap_s, record.verdict) == (15, "survived")


def test_a_laptop_that_sleeps_makes_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a sleep of an hour, and a deploy meanwhile THEN a deploy, where it was; and an hour watched besides."""
    clock = ScriptedClock()
    deploy = End(2000, {"exit_code": 0, "requested_stop": True}, update=True)
    enter(monkeypatch, World(clock, (deploy,)))

    def doze() -> None:
        if clock.monotonic_s - 5000 == 600:
            clock.lid_closed_s(3600)

    clock.on_sleep = doze
    ended = soaked(tmp_path / "soak", FLY, clock)
    folder = RunFolder(tmp_path / "soak")
    assert (ended.record.verdict, ended.alarms, ended.record.restarts) == ("survived", 0, 1)
    assert [event.t for event in folder.named("stopped_on_purpose")] == pytest.approx([2000], abs=0.1)
    assert [event.facts["for_s"] for event in folder.named("slept")] == [3600]
    assert folder.named("clock_jump") == []
    assert (clock.monotonic_s - 5000, folder.samples[-1].t) == (3600, 7200)


def test_ctrl_c_ends_it_with_a_verdict_and_it_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN Ctrl-C after 20 minutes THEN a verdict; WHEN it goes on THEN to the end of the hour, judged as one."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, CRASHES))

    def stop() -> None:
        if clock.monotonic_s - 5000 >= 1200:
            raise KeyboardInterrupt

    clock.on_sleep = stop
    first = soaked(tmp_path / "soak", FLY, clock)
    assert (first.record.verdict, first.reason, first.is_over) == ("oom_killed", STOPPED, False)
    clock.on_sleep = lambda: None
    clock.pass_s(60)
    second = soaked(tmp_path / "soak", asked_before(tmp_path / "soak", f"{FLY.target}/"), clock)
    assert (second.is_over, second.record.server_kills, second.record.restarts) == (True, 2, 3)
    assert second.record.duration_s == pytest.approx(3600 + 60, abs=16)
    assert [part["ended_because"] for part in read_soak(tmp_path / "soak")["parts"]] == [STOPPED, TIME_OVER]
    with pytest.raises(OomproofError, match="that soak is over"):
        asked_before(tmp_path / "soak", None)


@pytest.mark.parametrize("at_s", [15, 690, 705, 1500, 2010, 2385])
@pytest.mark.parametrize("down_s", [0, 2, 40])
def test_a_soak_that_is_killed_and_resumed_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_s: int, down_s: int
) -> None:
    """GIVEN a soak killed at any look, its files torn WHEN it goes on THEN the same verdict as undisturbed."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, CRASHES))
    killed, whole = tmp_path / "killed", tmp_path / "whole"

    def kill() -> None:  # what is on disk at that moment is what a SIGKILL leaves
        if clock.monotonic_s - 5000 == at_s:
            shutil.copytree(whole, killed)

    clock.on_sleep = kill
    undisturbed = soaked(whole, replace(FLY, seconds=2400), clock).record
    with (killed / "samples.csv").open("a") as samples, (killed / "events.jsonl").open("a") as events:
        samples.write("123.4,,17")
        events.write('{"t": 123.4, "event": "unrea')
    later = ScriptedClock(WALL_S + at_s + down_s, 5000 + at_s + down_s)
    enter(monkeypatch, World(later, CRASHES))
    resumed = soaked(killed, asked_before(killed, None), later).record
    assert told(resumed) == told(undisturbed)
    assert (undisturbed.samples or 0) - (resumed.samples or 0) <= 1 + down_s / 15
    cut = {event.text("file") for event in RunFolder(killed).named("mended")}
    assert cut == {"samples.csv", "events.jsonl"}


def test_a_soak_that_is_killed_as_it_begins_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN one that was killed before its first event WHEN it goes on THEN its load begins then, and it is judged."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    begin(tmp_path / "soak", FLY, None, None)
    record = Record(tmp_path / "soak")
    record.begin(FLY, {"t": 0.0})
    record.close()
    assert soaked(tmp_path / "soak", replace(FLY, seconds=600), clock).record.verdict == "survived"
    folder = RunFolder(tmp_path / "soak")
    assert [len(folder.named(event)) for event in ("part_started", "recording", "load_started")] == [1, 1, 1]


def test_who_began_to_read_after_the_state_was_noted_is_not_read_as_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a state with 4 as the next reader, and rows of reader 6 WHEN it goes on THEN with reader 7."""
    started: list[int] = []
    monkeypatch.setattr(Readers, "start", lambda readers, t, shift_s: started.append(readers.next_reader))
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    begin(tmp_path / "soak", replace(FLY, readers=4), None, None)
    (tmp_path / "soak" / "state.json").write_text('{"next_reader": 4}')
    rows = "t,reader,kind,status,bytes,latency_s,late_s,source\n1.0,6,chunk,200,9,0.1,0.0,needed\n"
    (tmp_path / "soak" / "requests.csv").write_text(rows)
    soaked(tmp_path / "soak", replace(FLY, readers=4, seconds=30), clock)
    assert started == [7]


def test_a_machine_that_was_restarted_under_the_soak_keeps_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another start of the soak's own machine WHEN it goes on THEN times go on by the wall clock."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    soaked(tmp_path / "soak", replace(FLY, seconds=600), clock)
    known = read_soak(tmp_path / "soak")
    (tmp_path / "soak" / "soak.json").write_text(json.dumps({**known, "finished": False}))
    monkeypatch.setattr("profiles.soak.moments.boot_id", lambda: "another")
    later = ScriptedClock(clock.wall_s + 1000, 7.0)
    enter(monkeypatch, World(later))
    soaked(tmp_path / "soak", replace(FLY, seconds=900), later)
    folder = RunFolder(tmp_path / "soak")
    assert [event.t for event in folder.named("part_started")] == pytest.approx([0, 1600], abs=0.01)
    times = [sample.t for sample in folder.samples]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(1900, abs=1)


def test_an_alarm_can_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a threshold that a kill exceeds, and `end` THEN it ends soon, finished, with an alarm on disk."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock, CRASHES))
    ended = soaked(tmp_path / "soak", replace(FLY, on_alarm="end"), clock)
    assert (ended.reason, ended.alarms, ended.is_over) == (ALARMED, 1, True)
    assert clock.monotonic_s - 5000 < 730
    (line,) = (tmp_path / "soak" / "alarms.jsonl").read_text().splitlines()
    assert json.loads(line)["alarm"] == "restarts"


def test_no_file_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a token and a header THEN no file has them, and Fly gets the token, the target the header."""
    clock = ScriptedClock()
    world = World(clock)
    enter(monkeypatch, world)
    begin(tmp_path / "soak", replace(FLY, seconds=60, header_names=("X-Key",)), None, None)
    secrets = Secrets("geheim1", {"X-Key": "geheim2"})
    soak(
        tmp_path / "soak",
        replace(FLY, seconds=60, header_names=("X-Key",)),
        secrets,
        Shown().screen,
        clock=clock,
    )
    for path in (tmp_path / "soak").iterdir():
        assert b"geheim" not in path.read_bytes(), path.name
    sent = {place.address.split("/")[2]: dict(place.headers) for place in world.asked}
    assert sent == {"app.test": {"X-Key": "geheim2"}, "fly.test": {"Authorization": "Bearer geheim1"}}


def test_samples_stand_in_times_order_with_one_heading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a soak in two parts THEN one heading, times that rise, and the soak's own memory in each row of its own."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    soaked(tmp_path / "soak", replace(FLY, seconds=300), clock)
    soaked(tmp_path / "soak", replace(FLY, seconds=600), clock)
    rows = list(csv.DictReader((tmp_path / "soak" / "samples.csv").read_text().splitlines()))
    times = [float(row["t"]) for row in rows]
    assert times == sorted(set(times))
    assert all(float(row["recorder_rss_bytes"]) > 0 for row in rows)


def test_a_report_of_a_soak_does_not_speak_of_a_vm_on_this_machine() -> None:
    """GIVEN the limits that stand in each report THEN a soak's say what cannot be seen from far away instead."""
    told = limits({"soak"})
    assert not any(limit.startswith(("The VM is", "Unless the conditions")) for limit in told)
    assert any(limit.startswith("A server far away") for limit in told)
    assert not any(limit.startswith("A server far away") for limit in limits({"readers"}))


@pytest.mark.parametrize(
    ("duration_s", "words"), [(3599, "3,599 s of sessions"), (259200, "72.0 h of sessions")]
)
def test_a_headline_tells_how_long_it_was(duration_s: float, words: str) -> None:
    """GIVEN a soak that survived THEN its own length, and not that of a session."""
    record = VerdictRecord(scenario="s", verdict="survived", session_s=600, sessions=0, duration_s=duration_s)
    assert f"s survived {words} (" in headline(Comparison("", (record,), ({},)))


def test_a_disk_that_is_full_for_a_while_ends_no_soak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a state that cannot be written for ten minutes THEN that is said once, and the soak goes on to its end."""
    clock = ScriptedClock()
    world = World(clock)
    enter(monkeypatch, world)
    keep = Record.keep

    def kept(record: Record, *facts: Any, **more: Any) -> None:
        if 600 <= world.t < 1200:
            raise OSError(errno.ENOSPC, "No space left on device")
        keep(record, *facts, **more)

    monkeypatch.setattr(Record, "keep", kept)
    shown = Shown()
    ended = soaked(tmp_path / "soak", PAGE, clock, shown)
    assert (ended.record.verdict, ended.reason) == ("survived", TIME_OVER)
    assert sum("No space left on device" in line for line in shown.lines) == 1


def test_memory_thresholds_come_from_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a threshold below what is held THEN an alarm at the first look, over all the time, once."""
    clock = ScriptedClock()
    enter(monkeypatch, World(clock))
    ended = soaked(tmp_path / "soak", replace(FLY, most=Thresholds(memory_mb=50)), clock)
    assert (ended.record.verdict, ended.alarms) == ("survived", 1)
