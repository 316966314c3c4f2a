from __future__ import annotations

import signal
from pathlib import Path

from profiles.log_kills import read_kills
from tests.fly.machine import EXPLAINED_WITHIN_S
from tests.fly.scripted import EPOCH_S, PAUSE_S, Scripted


def kinds(scripted: Scripted) -> list[object]:
    """The types of the events, the oldest first."""
    return [event["type"] for event in reversed(scripted.machine.events.listed())]


def test_a_server_killed_for_memory_is_told_so_and_restarted_after_the_pause(scripted: Scripted) -> None:
    """GIVEN a kernel kill of the main process THEN the event says it, the VM is emptied, and the server comes back."""
    scripted.pass_time(10)
    scripted.guest.kill(main=True)
    scripted.pass_time(0.5)
    assert list(scripted.exits()) == [
        {
            "exit_code": 137,
            "guest_signal": 9,
            "signal": -1,
            "oom_killed": True,
            "restarting": True,
            "exited_at": "2026-11-18T11:06:50.500Z",
        }
    ]
    assert (scripted.guest.cleared, scripted.guest.starts) == (1, 1)
    assert scripted.machine.shown_state == "stopped"
    scripted.pass_time(PAUSE_S)
    assert (scripted.guest.starts, scripted.machine.shown_state) == (2, "started")
    assert kinds(scripted) == ["launch", "start", "exit", "start"]
    death = scripted.machine.deaths[0]
    assert (death.at_s, death.returncode, death.oom_killed, death.restarted) == (
        EPOCH_S + 10.5,
        -9,
        True,
        True,
    )


def test_the_kernels_line_may_come_after_the_end(scripted: Scripted) -> None:
    """GIVEN an end by SIGKILL WHEN the kernel's line is read a second later THEN the end is explained by it."""
    scripted.guest.returncode = -signal.SIGKILL
    scripted.pass_time(1)
    assert not list(scripted.exits())
    scripted.guest.kill(main=True)
    scripted.pass_time(0.5)
    assert [event.get("oom_killed") for event in scripted.exits()] == [True]


def test_a_sigkill_by_nobody_knows_whom_is_no_kill_for_memory(scripted: Scripted) -> None:
    """GIVEN an end by SIGKILL without a line of the kernel's THEN status 137, and no word of memory."""
    scripted.guest.returncode = -signal.SIGKILL
    scripted.pass_time(EXPLAINED_WITHIN_S + 1)
    told = next(scripted.exits())
    assert told["exit_code"] == 137
    assert "oom_killed" not in told


def test_a_child_killed_for_memory_ends_nothing(scripted: Scripted) -> None:
    """GIVEN a kernel kill of a child THEN the machine goes on, and a later crash is not put down to it."""
    scripted.guest.kill(main=False)
    scripted.pass_time(1)
    assert (scripted.machine.children_killed, scripted.machine.deaths) == (1, [])
    scripted.guest.returncode = 3
    scripted.pass_time(1)
    told = next(scripted.exits())
    assert (told["exit_code"], told["guest_exit_code"], told["guest_signal"]) == (3, 3, -1)
    assert "oom_killed" not in told


def test_a_kill_explains_only_the_end_that_it_caused(scripted: Scripted) -> None:
    """GIVEN a kill for memory and a restart WHEN the server then crashes THEN that is a crash."""
    scripted.guest.kill(main=True)
    scripted.pass_time(PAUSE_S + 1)
    scripted.guest.returncode = -signal.SIGSEGV
    scripted.pass_time(1)
    assert [event.get("oom_killed", False) for event in scripted.exits()] == [False, True]


def test_the_eleventh_death_leaves_the_machine_stopped(scripted: Scripted) -> None:
    """GIVEN a server that is killed as soon as it is there THEN the machine gives up, and says so."""
    while scripted.machine.shown_state == "started":
        scripted.guest.kill(main=True)
        scripted.pass_time(PAUSE_S + 1)
    assert (len(scripted.machine.deaths), scripted.guest.starts) == (11, 11)
    assert [death.restarted for death in scripted.machine.deaths] == [True] * 10 + [False]
    assert "restarting" not in next(scripted.exits())
    scripted.pass_time(600)
    assert scripted.guest.starts == 11


def test_a_stop_that_was_asked_for_is_no_death(scripted: Scripted) -> None:
    """GIVEN a stop THEN the server gets its signal, the event says who asked, and nothing is restarted."""
    assert scripted.machine.stop("proxy", scripted.now)
    assert (scripted.guest.sent, scripted.machine.state) == ([signal.SIGINT], "stopping")
    scripted.guest.returncode = 0
    scripted.pass_time(60)
    told = next(scripted.exits())
    assert told["requested_stop"] is True
    assert "exit_code" not in told
    assert (scripted.machine.state, scripted.machine.deaths, scripted.guest.starts) == ("stopped", [], 1)
    assert not scripted.machine.stop("user", scripted.now)
    assert scripted.machine.start(scripted.now)
    assert (scripted.machine.shown_state, scripted.guest.starts) == ("started", 2)


def test_who_does_not_stop_in_time_is_killed(scripted: Scripted) -> None:
    """GIVEN a server that does not heed its signal THEN it gets SIGKILL after the timeout, and once."""
    scripted.machine.stop("user", scripted.now)
    scripted.pass_time(30)
    assert scripted.guest.sent == [signal.SIGINT, signal.SIGKILL]


def test_a_deploy_restarts_and_is_no_death(scripted: Scripted) -> None:
    """GIVEN a restart that was asked for THEN the server is there again, and the event says both."""
    scripted.machine.stop("user", scripted.now, again=True)
    scripted.guest.returncode = 0
    scripted.pass_time(PAUSE_S + 1)
    told = next(scripted.exits())
    assert (told["requested_stop"], told["restarting"]) == (True, True)
    assert (scripted.guest.starts, scripted.machine.deaths) == (2, [])


def test_a_stop_between_two_tries_is_heeded(scripted: Scripted) -> None:
    """GIVEN a machine that waits for its next try WHEN it is stopped THEN there is none."""
    scripted.guest.kill(main=True)
    scripted.pass_time(1)
    assert scripted.machine.stop("user", scripted.now)
    scripted.pass_time(60)
    assert (scripted.guest.starts, scripted.machine.state) == (1, "stopped")


def test_the_list_of_events_is_short_and_its_ids_differ(scripted: Scripted) -> None:
    """GIVEN more events than are kept THEN the newest are there, each with an id of its own."""
    for _ in range(15):
        scripted.machine.stop("user", scripted.now, again=True)
        scripted.guest.returncode = 0
        scripted.pass_time(PAUSE_S + 1)
    listed = scripted.machine.events.listed()
    assert len({event["id"] for event in listed}) == len(listed) == 20
    times = [event["timestamp"] for event in listed]
    assert times == sorted(times, key=lambda at: -int(str(at)))


def test_the_log_is_one_that_the_kill_reader_understands(scripted: Scripted, tmp_path: Path) -> None:
    """GIVEN a kill of the server and one of a child THEN `oomproof kills` reads both from the log."""
    scripted.guest.kill(main=False)
    scripted.pass_time(120)
    scripted.guest.kill(main=True)
    scripted.pass_time(1)
    lines = (tmp_path / "fly.log").read_text().splitlines()
    kills = list(read_kills(lines))
    assert [(kill.told_by, kill.source) for kill in kills] == [("kernel", "e2865134a39426")] * 2
    assert [kill.kill.pid for kill in kills if kill.kill] == [680, 680]
    assert [kill.kill.anon_rss_mb for kill in kills if kill.kill] == [344.1, 344.1]
    without = [line for line in lines if "Killed process" not in line]
    assert [kill.told_by for kill in read_kills(without)] == ["init"]
