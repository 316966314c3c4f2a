"""Scripted run folders in, causes of deaths out."""

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.death import Death, deaths
from profiles.kill_rules import ended_server, misplaced_kills
from profiles.kills import kill_events, kill_figures, kill_total
from profiles.run_folder import SAMPLE_COLUMNS, Event, RunFolder

LINE = "Memory cgroup out of memory: Killed process 10 (python) total-vm:9kB, anon-rss:307200kB"
START: dict[str, Any] = {"t": 1.0, "event": "started", "pid": 10}
LOAD: dict[str, Any] = {"t": 2.0, "event": "load_started"}
READABLE: dict[str, Any] = {"t": 0.5, "event": "recording", "kernel_log_readable": True}
UNREADABLE: dict[str, Any] = {
    "t": 0.5,
    "event": "recording",
    "kernel_log_readable": False,
    "kernel_log_reason": "/dev/kmsg: Operation not permitted",
}


def exited(status: int | None, t: float = 7.0) -> dict[str, Any]:
    """The server's end."""
    return {"t": t, "event": "exited", "returncode": status}


def kill(t: float = 6.9, role: str = "server", pid: int = 10, **facts: object) -> dict[str, Any]:
    """A kill as the recorder writes it."""
    found = {
        "pid": pid,
        "comm": "python",
        "role": role,
        "anon_rss_mb": 300.0,
        "line": LINE,
        "whole_machine": False,
    }
    return {"t": t, "event": "oom_kill", **found, **facts}


def run(
    path: Path,
    *events: dict[str, Any],
    log: dict[str, Any] | None = READABLE,
    counted: int | None = 0,
    samples: list[tuple[float, int]] | None = None,
    **vm: object,
) -> RunFolder:
    """Write a run folder: `counted` is the counter at the load's end, `samples` are times with the counter."""
    path.mkdir(exist_ok=True)
    (path / "run.json").write_text(json.dumps({"vm": {"backend": "cgroup v2", **vm}}))
    ended = {"t": 12.0, "event": "load_ended", "reason": "the sessions' end", "oom_kills": counted}
    lines = [*([log] if log else []), START, LOAD, *events, ended]
    (path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = [{"t": t, "oom_kills": count} for t, count in samples or []]
    table = [[str(row.get(column, "")) for column in SAMPLE_COLUMNS] for row in rows]
    (path / "samples.csv").write_text("".join(",".join(row) + "\n" for row in [list(SAMPLE_COLUMNS), *table]))
    return RunFolder(path)


def only(folder: RunFolder) -> Death:
    """The one death of a run."""
    (death,) = deaths(folder)
    return death


@pytest.mark.parametrize(
    ("facts", "cause"),
    [({}, "memcg_kill"), ({"whole_machine": True}, "machine_kill"), ({"emulated": True}, "emulated_kill")],
)
def test_a_named_kill_of_the_server_is_told_by_its_line(
    tmp_path: Path, facts: dict[str, Any], cause: str
) -> None:
    """GIVEN a kill's line about the server and its end by SIGKILL THEN both are one death, the line its evidence."""
    folder = run(tmp_path, kill(memcg="/vm", limit_mb=256.0, **facts), exited(-9), counted=1)
    assert only(folder) == Death(
        after_s=4.9,
        cause=cause,  # type: ignore[arg-type]  # one of them
        role="server",
        victim="python",
        returncode=-9,
        size_mb=300.0,
        evidence=("exit status -9 (SIGKILL)", LINE, "limit that was hit: /vm (256 MB)"),
    )


@pytest.mark.parametrize(
    ("status", "cause", "first"),
    [
        (-11, "crash", "exit status -11 (SIGSEGV)"),
        (-15, "crash", "exit status -15 (SIGTERM)"),
        (3, "crash", "exit status 3"),
        (137, "crash", "exit status 137"),
        (0, "clean_exit", "exit status 0"),
        (-9, "sigkill_by_other", "exit status -9 (SIGKILL)"),
        (None, "unknown", "exit status unknown"),
        (-200, "crash", "exit status -200"),
    ],
)
def test_an_end_without_a_kill_is_told_by_its_status(
    tmp_path: Path, status: int | None, cause: str, first: str
) -> None:
    """GIVEN log and counter that know of no kill THEN the exit status tells; without one nobody knows."""
    death = only(run(tmp_path, exited(status)))
    assert (death.cause, death.evidence[0], death.returncode) == (cause, first, status)


@pytest.mark.parametrize(
    ("log", "counted", "cause", "said"),
    [
        (READABLE, None, "sigkill_by_other", "kill counter: not known"),
        (
            UNREADABLE,
            0,
            "sigkill_by_other",
            "kernel log: could not be read (/dev/kmsg: Operation not permitted)",
        ),
        (UNREADABLE, None, "unknown", "kernel log: could not be read (/dev/kmsg: Operation not permitted)"),
        (None, None, "unknown", "kernel log: nobody said whether it was read"),
        (UNREADABLE, 1, "memcg_kill", "kill counter: 1 in the whole run"),
    ],
)
def test_sigkill_is_told_by_whichever_witness_there_is(
    tmp_path: Path, log: dict[str, Any] | None, counted: int | None, cause: str, said: str
) -> None:
    """GIVEN an end by SIGKILL WHEN log or counter are missing THEN the other decides; without both it is unknown."""
    death = only(run(tmp_path, exited(-9), log=log, counted=counted))
    assert death.cause == cause
    assert said in death.evidence


@pytest.mark.parametrize(
    "broken",
    [
        {"t": 5.0, "event": "kernel_log_overrun", "lost": 12},
        {"t": 5.0, "event": "kernel_log_ended", "reason": "gone"},
    ],
)
def test_a_log_with_a_hole_clears_nobody(tmp_path: Path, broken: dict[str, Any]) -> None:
    """GIVEN a kernel log that lost records and no counter THEN SIGKILL stays unknown, and the hole is named."""
    death = only(run(tmp_path, broken, exited(-9), counted=None))
    assert death.cause == "unknown"
    assert any("12 of its records" in line or "(gone)" in line for line in death.evidence)


def test_a_counter_that_rose_in_the_servers_life_tells_of_its_kill(tmp_path: Path) -> None:
    """GIVEN no log, and samples whose counter rose by one around the end THEN the kernel killed it, as is inferred."""
    samples = [(1.5, 0), (6.0, 0), (7.1, 1), (9.0, 1)]
    death = only(run(tmp_path, exited(-9), log=UNREADABLE, counted=1, samples=samples))
    assert death.cause == "memcg_kill"
    assert "kill counter: 0 before, 1 after" in death.evidence
    assert "no line says that it was this one" in death.evidence[-1]


def test_a_counter_that_rose_in_another_life_does_not(tmp_path: Path) -> None:
    """GIVEN a server that somebody killed, and a kill that was counted after its restart THEN it was not that one."""
    restarted = {"t": 8.0, "event": "restarted", "pid": 20}
    samples = [(1.5, 0), (7.1, 0), (8.5, 0), (9.5, 1)]
    folder = run(tmp_path, exited(-9), restarted, log=UNREADABLE, counted=1, samples=samples)
    assert [(death.cause, death.role) for death in deaths(folder)] == [
        ("sigkill_by_other", "server"),
        ("memcg_kill", None),
    ]
    assert kill_figures(folder)["server_kills"] == 0


def test_a_counter_that_was_made_anew_is_not_compared(tmp_path: Path) -> None:
    """GIVEN a group whose counter fell THEN it says nothing about the life in which it did."""
    folder = run(tmp_path, exited(-9), log=UNREADABLE, counted=None, samples=[(1.5, 1), (7.1, 0)])
    assert "kill counter: 1 in the whole run" in only(folder).evidence


def test_each_restart_has_a_death_of_its_own(tmp_path: Path) -> None:
    """GIVEN a kill, a crash and an aligner's kill THEN three deaths stand in their order."""
    folder = run(
        tmp_path,
        kill(3.0),
        exited(-9, 3.1),
        {"t": 3.5, "event": "restarted", "pid": 20},
        kill(5.0, "child", 21),
        exited(-11, 6.0),
        {"t": 6.5, "event": "restarted", "pid": 30},
        counted=2,
    )
    assert [(death.after_s, death.cause, death.role) for death in deaths(folder)] == [
        (1.0, "memcg_kill", "server"),
        (3.0, "memcg_kill", "child"),
        (4.0, "crash", "server"),
    ]


def test_the_deaths_of_days_are_told_without_looking_at_all_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN two hundred kills and restarts THEN the kills are gathered some times, and not for each end anew."""
    gathered: list[RunFolder] = []

    def gathering(folder: RunFolder) -> list[Event]:
        gathered.append(folder)
        return kill_events(folder)

    monkeypatch.setattr("profiles.death.kill_events", gathering)
    times = [2 + number / 20 for number in range(200)]  # of a load that ends at 12 s
    ends = [
        one
        for life, t in enumerate(times)
        for one in (kill(t, pid=life, life=life), {**exited(-9, t), "life": life})
    ]
    assert len(deaths(run(tmp_path, *ends, counted=200))) == 200
    assert len(gathered) < 5


def test_a_shells_137_is_its_childs_kill(tmp_path: Path) -> None:
    """GIVEN a server started by a shell WHEN its child is killed and the shell ends with 137 THEN that is why."""
    folder = run(tmp_path, kill(6.5, "child", 11), exited(137), counted=1)
    server = next(death for death in deaths(folder) if death.role == "server")
    assert server.cause == "memcg_kill"
    assert "137 is what a shell says whose child SIGKILL ended" in server.evidence


def test_a_group_that_is_killed_as_a_whole_counts_its_first_victim_once(tmp_path: Path) -> None:
    """GIVEN two victims of one group kill, the first counted twice THEN there were two kills, and nobody is missing."""
    again = {"t": 6.95, "event": "oom_kill_repeated", "pid": 10}
    folder = run(tmp_path, kill(), again, kill(6.96, "child", 11, group_kill=True), exited(-9), counted=3)
    assert kill_total(folder) == 2
    assert [death.role for death in deaths(folder)] == ["server", "child"]
    assert "its whole control group was killed (memory.oom.group)" in deaths(folder)[1].evidence


def test_what_ended_after_the_load_does_not_count(tmp_path: Path) -> None:
    """GIVEN a kill and an end while everything is being stopped THEN nobody died under load."""
    assert deaths(run(tmp_path, kill(12.5), exited(-9, 12.6))) == []


@pytest.mark.parametrize(
    ("backend", "invalid"), [("cgroup v2", 1), ("machine", 0), ("uml", 0), ("remote", 0), ("attached", 0)]
)
def test_a_kill_for_the_whole_machine_counts_where_that_is_the_vm(
    tmp_path: Path, backend: str, invalid: int
) -> None:
    """GIVEN a machine out of memory THEN that is no kill for a limit, but where the machine is the limit."""
    folder = run(tmp_path, kill(whole_machine=True), exited(-9), counted=1, backend=backend)
    assert len(misplaced_kills(folder)) == invalid


def test_a_limit_around_the_vm_is_not_the_vms(tmp_path: Path) -> None:
    """GIVEN a kill for the limit of a container that all of it runs in THEN the run is invalid, and the group named."""
    folder = run(tmp_path, kill(memcg="/docker/x", limit_of="outside"), exited(-9), counted=1)
    assert misplaced_kills(folder) == ["machine: the limit of /docker/x was hit, which is not the VM's"]


@pytest.mark.parametrize(("role", "named"), [("load", "load"), ("harness", "harness"), ("other", "machine")])
def test_a_kill_outside_the_vm_makes_the_run_invalid(tmp_path: Path, role: str, named: str) -> None:
    """GIVEN a machine that killed the load, the harness or a stranger THEN the run is invalid, and they are named."""
    outside = {"t": 5.0, "event": "outside_kill", "role": role, "pid": 77, "comm": "locust", "line": LINE}
    reasons = misplaced_kills(run(tmp_path, outside))
    assert reasons == [f"{named}: locust (pid 77): the kernel killed it outside the VM: {LINE}"]


def test_a_stranger_killed_beside_what_is_only_watched_does_not(tmp_path: Path) -> None:
    """GIVEN an attached run WHEN the machine killed somebody else THEN what was watched lived, and that counts."""
    outside = {"t": 5.0, "event": "outside_kill", "role": "other", "pid": 77, "comm": "x", "line": LINE}
    assert misplaced_kills(run(tmp_path, outside, backend="attached")) == []


@pytest.mark.parametrize(
    ("events", "log", "verdict"),
    [
        ([exited(-11)], READABLE, "crashed"),
        ([exited(0)], READABLE, "crashed"),
        ([exited(-9)], READABLE, "killed"),
        ([exited(-9)], None, "invalid"),
        ([exited(None)], READABLE, "invalid"),
        ([exited(None, 5.0), exited(-11)], READABLE, "crashed"),
    ],
)
def test_a_claim_needs_proof(
    tmp_path: Path, events: list[dict[str, Any]], log: dict[str, Any] | None, verdict: str
) -> None:
    """GIVEN ends of a server THEN `killed` and `crashed` are said of proven causes; an unknown one alone is invalid."""
    ended = ended_server(run(tmp_path, *events, log=log, counted=None))
    assert ended is not None
    assert ended[0] == verdict
    assert all(line for line in ended[1])


def test_a_server_that_never_ended_has_no_death(tmp_path: Path) -> None:
    """GIVEN no end and no kill THEN there is none, and no verdict on it."""
    folder = run(tmp_path)
    assert deaths(folder) == []
    assert ended_server(folder) is None


def test_a_kills_time_is_no_more_exact_than_it_says(tmp_path: Path) -> None:
    """GIVEN kills whose times, in the middle of two looks, lie behind what they caused THEN they still caused it."""
    near: dict[str, Any] = {"t_within_s": 0.05}
    in_container = run(tmp_path / "a", kill(7.04, "", 4711, **near), exited(-9), counted=1)
    assert (only(in_container).cause, only(in_container).role) == ("memcg_kill", "server")
    shell, child = deaths(run(tmp_path / "b", kill(7.04, "child", 77, **near), exited(137), counted=1))
    assert (shell.cause, child.cause) == ("memcg_kill", "memcg_kill")
    at_the_end = run(tmp_path / "c", kill(12.04, **near), exited(-9, 11.99), counted=1)
    assert only(at_the_end).victim == "python"
    assert kill_figures(run(tmp_path / "d", kill(12.06, **near)))["oom_kills"] == 0


def test_an_emulated_limit_is_not_the_kernels(tmp_path: Path) -> None:
    """GIVEN a watchdog whose counter alone saw kills THEN they are emulated."""
    folder = run(tmp_path, exited(-9), log=UNREADABLE, counted=2, backend="watchdog", emulated=True)
    assert [death.cause for death in deaths(folder)] == ["emulated_kill", "emulated_kill"]


def test_a_kill_of_no_known_role_is_the_servers_that_ended(tmp_path: Path) -> None:
    """GIVEN a container, whose pids are not the kernel's WHEN a server ends after a kill THEN the last kill was its."""
    folder = run(tmp_path, kill(5.0, role="", pid=900), kill(6.9, role="", pid=901), exited(-9), counted=2)
    figures = kill_figures(folder)
    assert (figures["server_kills"], figures["child_kills"], figures["killed_after_s"]) == (1, 1, 4.9)
    assert [(death.after_s, death.role, death.cause) for death in deaths(folder)] == [
        (3.0, "child", "memcg_kill"),
        (4.9, "server", "memcg_kill"),
    ]


def test_a_kill_long_before_an_end_is_not_the_servers(tmp_path: Path) -> None:
    """GIVEN a kill of no known role, and an end by SIGKILL 5.1 s later THEN the kill was a child's."""
    folder = run(tmp_path, kill(2.5, role="", pid=900), exited(-9, 7.6), counted=1)
    assert [(death.role, death.cause) for death in deaths(folder)] == [
        ("child", "memcg_kill"),
        ("server", "sigkill_by_other"),
    ]


@pytest.mark.parametrize(
    ("log", "counted", "kills"),
    [(READABLE, None, 0), (UNREADABLE, 0, 0), (UNREADABLE, None, None), (None, None, None)],
    ids=["the log was read", "the counter was", "neither", "nobody said"],
)
def test_kills_that_nobody_could_see_are_unknown_and_not_none(
    tmp_path: Path, log: dict[str, Any] | None, counted: int | None, kills: int | None
) -> None:
    """GIVEN a run without a kill's trace THEN its kills are 0 where one witness was there, and else not known."""
    found = kill_figures(run(tmp_path, log=log, counted=counted))
    assert [found[key] for key in ("server_kills", "child_kills", "oom_kills")] == [kills] * 3
