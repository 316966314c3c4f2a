"""What several witnesses saw, put together: each end once, with its cause, whoever told first."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from profiles.restart_evidence import _End, explained, keys_of
from profiles.run_folder import Event


def event(t: float, name: str, **facts: object) -> Event:
    """An event."""
    return Event(t, name, {"t": t, "event": name, **facts})


def seen(t: float, since: float) -> Event:
    """The page shows another start."""
    return event(
        t, "restart_seen", last_seen_t=since, starts_t=t - 1, server_started_s=t, line="its start time moved"
    )


def exit_of(t: float, **facts: object) -> Event:
    """A machine's exit event."""
    known = {"oom_killed": False, "exit_code": 0, "requested_stop": False}
    return event(
        t, "machine_event", type="exit", machine="m1", id=f"x{t}", source="flyd", **{**known, **facts}
    )


def kernel(t: float, machine: str = "m1", offset: int = 0) -> Event:
    """The kernel's line in a log, of Fly's where it names a machine."""
    return event(
        t,
        "log_kill",
        told_by="kernel",
        machine=machine,
        comm="python",
        anon_rss_mb=100.0,
        line=f"Killed {t}",
        offset=offset or t,
    )


def init(t: float) -> Event:
    """The line of Fly's init."""
    return event(t, "log_kill", told_by="init", machine="m1", line="Fly: its init says so", offset=t)


def oom(t: float) -> Event:
    """Prometheus's count."""
    return event(t, "exit_oom", instance="m1", value=1.0, unix_s=t)


def told(*events: Event) -> list[tuple[str, float, str]]:
    """The ends and restarts: what, when, and who or why."""
    names = ("oom_kill", "exited", "stopped_on_purpose", "restarted")
    return [
        (one.event, one.t, one.text("role") or one.text("cause") or one.text("why"))
        for one in explained(events)
        if one.event in names
    ]


KILLED = [("oom_kill", 100.0, "server"), ("exited", 100.0, ""), ("restarted", 110.0, "")]


def test_what_is_no_soaks_is_left_alone() -> None:
    """GIVEN the events of a run THEN the same, in the order written."""
    events = (event(5, "load_started"), event(3, "oom_kill"), event(4, "exited"))
    assert explained(events) == events


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_whoever_tells_first_it_is_one_end(order: tuple[int, ...]) -> None:
    """GIVEN five witnesses of one kill in any order THEN one kill, at the machine's time, with all their words."""
    witnesses = [seen(110, 90), exit_of(100, oom_killed=True), kernel(99), init(100.5), oom(115)]
    events = [witnesses[index] for index in order]
    assert told(*events) == KILLED
    (kill,) = [one for one in explained(events) if one.event == "oom_kill"]
    assert kill.facts["line"] == "Killed 99"
    assert len(keys_of(kill)) == 5


@pytest.mark.parametrize(
    "witnesses",
    [
        (exit_of(100, oom_killed=True),),
        (init(100),),
        (kernel(99, machine=""), seen(110, 95)),
        (exit_of(100, exit_code=137), oom(115)),
    ],
)
def test_one_witness_is_enough(witnesses: tuple[Event, ...]) -> None:
    """GIVEN one who knows of the server's own death THEN killed for memory."""
    assert [one[0] for one in told(*witnesses)][:2] == ["oom_kill", "exited"]
    assert told(*witnesses)[0][2] == "server"


def test_a_childs_death_explains_no_restart() -> None:
    """GIVEN Fly's log with the kernel's line alone, and a restart THEN a child was killed, and nothing explains it."""
    found = told(kernel(99), seen(110, 95))
    assert found == [("oom_kill", 99, "child"), ("exited", 109, "crash"), ("restarted", 110, "")]
    assert told(kernel(99), exit_of(100, exit_code=1))[:2] == [
        ("oom_kill", 99, "child"),
        ("exited", 100, "crash"),
    ]


def test_of_two_killed_the_last_was_the_server() -> None:
    """GIVEN two lines before one exit for memory THEN a child and the server."""
    found = told(kernel(97), kernel(99), exit_of(100, oom_killed=True), seen(110, 90))
    assert found == [("oom_kill", 97, "child"), *KILLED]


def test_a_cycle_between_two_looks_is_as_many_ends_as_fly_tells_of() -> None:
    """GIVEN three exits and one start that was seen THEN three kills and three restarts."""
    exits = [exit_of(t, oom_killed=True, restarting=True) for t in (100.0, 104.0, 108.0)]
    found = told(*exits, seen(115, 95))
    assert [one[:2] for one in found if one[0] == "oom_kill"] == [("oom_kill", t) for t in (100, 104, 108)]
    assert [one[0] for one in found].count("restarted") == 3


def test_a_crash_cycle_of_days_is_looked_at_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a death a minute for ten hours THEN each line is held against the ends about it, and not against all."""
    asked = 0
    distance = _End.distance

    def counting(end: _End, t: float) -> float:
        nonlocal asked
        asked += 1
        return distance(end, t)

    monkeypatch.setattr(_End, "distance", counting)
    cycles = [60.0 * number for number in range(600)]
    events = [
        one
        for t in cycles
        for one in (kernel(t + 20), kernel(t + 49), init(t + 50), exit_of(t + 50), seen(t + 59, t + 44))
    ]
    assert [one[0] for one in told(*events)].count("oom_kill") == 2 * len(cycles)
    assert asked < 12 * len(events)


def test_a_later_crash_is_not_explained_by_an_earlier_kill() -> None:
    """GIVEN a kill, and minutes later a restart that nobody explains THEN one of each."""
    found = told(exit_of(100, oom_killed=True), seen(110, 90), seen(900, 885))
    assert found == [*KILLED, ("exited", 899, "crash"), ("restarted", 900, "")]


@pytest.mark.parametrize(
    ("around", "why"),
    [
        ([event(50, "machine_event", type="update", source="user", machine="m1", id="u")], "a deploy"),
        (
            [event(99, "machine_event", type="stop", source="user", machine="m1", id="u")],
            "somebody asked for it",
        ),
        ([], "auto-stop: Fly let the machine sleep"),
        (
            [event(-90, "machine_event", type="update", source="user", machine="m1", id="u")],
            "auto-stop: Fly let the machine sleep",
        ),
    ],
)
def test_a_stop_that_was_asked_for_is_no_death(around: list[Event], why: str) -> None:
    """GIVEN a requested stop THEN on purpose, and why as far as the machine's other events say it."""
    found = told(*around, exit_of(100, requested_stop=True), seen(110, 90))
    assert found == [("stopped_on_purpose", 100, why), ("restarted", 110, "")]


def test_memory_counts_also_in_a_stop_that_was_asked_for() -> None:
    """GIVEN both THEN killed for memory."""
    assert told(exit_of(100, requested_stop=True, oom_killed=True), seen(110, 90)) == KILLED


def test_what_was_written_twice_counts_once() -> None:
    """GIVEN evidence that a killed soak wrote, and the resumed one again THEN one end."""
    once = [exit_of(100, oom_killed=True), seen(110, 90), kernel(99), oom(115)]
    assert told(*once, *once) == KILLED


def test_a_line_that_stands_twice_in_a_log_is_one_kill() -> None:
    """GIVEN a dated line of an aligner's kill at two places THEN one kill; one of another moment is another."""
    first, again = (
        replace(kernel(99, offset=place), facts={**kernel(99, offset=place).facts, "at": "a"})
        for place in (1, 2)
    )
    later = replace(again, facts={**again.facts, "at": "b"})
    assert [one[0] for one in told(first, again)] == ["oom_kill"]
    assert [one[0] for one in told(first, again, later)] == ["oom_kill", "oom_kill"]


def test_only_the_last_parts_end_counts() -> None:
    """GIVEN a soak that was ended and resumed THEN its readers' end is the last part's."""
    first = [
        event(0, "part_started"),
        event(0, "load_started"),
        event(50, "load_ended"),
        event(50, "health", ok=False),
    ]
    second = [event(60, "part_started"), event(99, "load_ended"), event(99, "health", ok=True)]
    found = explained([*first, *second])
    assert [one.t for one in found if one.event == "load_ended"] == [99]
    assert [one.facts["ok"] for one in found if one.event == "health"] == [True]
    assert [one.t for one in explained(first) if one.event == "load_ended"] == [50]


def test_evidence_says_what_the_machine_held_just_before() -> None:
    """GIVEN what Fly told before and after the end THEN what it told before."""
    before = exit_of(100, oom_killed=True, machine_mb=1000.0, machine_t=98.0)
    (kill,) = [
        one
        for one in explained(
            [
                before,
                event(
                    115, "exit_oom", instance="m1", value=1.0, unix_s=115.0, machine_mb=80.0, machine_t=112.0
                ),
            ]
        )
        if one.event == "oom_kill"
    ]
    assert "2 s before, the machine held 1,000 MB that it could not give back" in str(kill.facts["told"])
