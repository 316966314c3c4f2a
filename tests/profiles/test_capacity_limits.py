import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiles.capacity_limits import Passed, limits_passed, stall_share
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord

MakeRun = Callable[..., Path]
ZERO_S = 1008.0
"""When the load of a synthetic run starts."""

FINE: dict[str, Any] = {
    "scenario": "cached",
    "verdict": "survived",
    "readers": 10,
    "readers_heard": 10,
    "blocks_played": 110,
    "stalls": 0,
    "peak_tree_rss_mb": 300.0,
    "duration_s": 100.0,
    "cpu_s": 20.0,
    "throttled_s": 0.0,
    "balance_left_s": 450.0,
    "vm_cpu": 2.0,
    "load_cpu_share": 0.1,
    "recorder_cpu_share": 0.05,
}


def record(**changes: object) -> VerdictRecord:
    """A verdict of ten readers who heard a hundred blocks after their first."""
    return VerdictRecord.model_validate({**FINE, **changes})


def passed(folder: Path, found: VerdictRecord, budget_mb: float = 2048.0) -> list[Passed]:
    """The limits passed, with one stall in a hundred allowed."""
    return list(limits_passed(RunFolder(folder), found, budget_mb, 0.01))


def stalled_at(folder: Path, *seconds: float) -> None:
    """Let the readers of a run stall at these seconds of the load."""
    rows = "".join(f"{ZERO_S + at},1,play,200,0,,0.5,chunk\n" for at in seconds)
    header = "t,reader,kind,status,bytes,latency_s,late_s,source\n"
    (folder / "requests.csv").write_text(header + rows)


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 0.0),
        ({"stalls": 1}, 0.01),
        ({"readers_heard": None, "stalls": 1}, 0.01),
        ({"readers_heard": 9, "blocks_played": 109}, 1 / 101),
        ({"readers_heard": 19, "sessions": 2, "blocks_played": 119}, 1 / 101),
        ({"readers_heard": 0, "blocks_played": 0}, 1.0),
        ({"blocks_played": 10, "stalls": 10}, 1.0),
        ({"stalls": None}, None),
    ],
    ids=[
        "none",
        "one in 100",
        "an old verdict",
        "one heard nothing",
        "one of twice ten heard nothing",
        "nobody heard",
        "all wait",
        "not read",
    ],
)
def test_stalls_are_a_share_of_the_blocks_after_the_first(
    changes: dict[str, object], share: float | None
) -> None:
    """A reader who heard nothing is a block and a stall; who still waits at the end makes it no more than all."""
    assert stall_share(record(**changes)) == (share if share is None else pytest.approx(share, abs=1e-5))


def ordered(folder: Path, faulted: int, requests: int = 20) -> str:
    """Let the upstream of a run have been ordered to cut so many answers off; returns how that is told."""
    counts = {"upstream_requests": requests, "upstream_faulted": faulted, "upstream_faulted_cut": faulted}
    with (folder / "events.jsonl").open("a") as events:
        events.write(json.dumps({"t": ZERO_S + 124, "event": "upstream", **counts}) + "\n")
    return f"the upstream was ordered to fail {faulted} of {requests} (cut)"


def busy_machine(folder: Path, cpus: float) -> None:
    """Let so many of the machine's two CPUs be used all through a run's load."""
    used = "".join(f"{ZERO_S + at},{900 + at * cpus}\n" for at in range(100))
    (folder / "samples.csv").write_text(f"t,machine_cpu_s\n{used}")


@pytest.mark.parametrize(
    ("changes", "stalls_below", "carried"),
    [
        ({"stalls": 1}, 0.01, True),
        ({"stalls": 2}, 0.01, False),
        ({"stalls": 2}, 0.16, True),
        ({"stalls": 1}, 0.0, False),
        ({"readers_heard": 1, "blocks_played": 14}, 0.01, False),
        ({"readers_heard": 1, "blocks_played": 14, "stalls": 1}, 0.01, False),
    ],
    ids=["one", "two", "two of many allowed", "none allowed", "one reader heard nothing", "and one stalled"],
)
def test_one_stall_in_all_is_no_evidence(
    make_run: MakeRun,
    changes: dict[str, object],
    stalls_below: float,
    carried: bool,  # noqa: FBT001
) -> None:
    """GIVEN 2 readers and 13 blocks, of which one stall is 7.7 % THEN one is carried, unless none is allowed."""
    folder = make_run("cached")
    stalled_at(folder, 3, 6)
    found = record(**{"readers": 2, "readers_heard": 2, "blocks_played": 15, **changes})
    limits = limits_passed(RunFolder(folder), found, 2048.0, stalls_below)
    assert (not limits) is carried


def test_two_stalls_are_too_many_from_the_second_on(make_run: MakeRun) -> None:
    """GIVEN 13 blocks, of which one in a hundred is none THEN the first stall is not the one too many."""
    folder = make_run("cached")
    stalled_at(folder, 3, 6)
    (limit,) = passed(folder, record(readers=2, readers_heard=2, blocks_played=15, stalls=2))
    assert limit.at_s == 6.0


@pytest.mark.parametrize(
    ("last_s", "told"), [(11.0, True), (60.0, False)], ids=["at the start", "all through"]
)
def test_a_crowd_at_the_start_is_told_from_reading_that_cannot_keep_up(
    make_run: MakeRun, last_s: float, *, told: bool
) -> None:
    """GIVEN a load of 124 s WHEN nine stalls in ten fell into its first tenth THEN the limit says so, else not."""
    folder = make_run("cached")
    stalled_at(folder, 3, 6, last_s)
    (limit,) = passed(folder, record(readers=2, readers_heard=2, blocks_played=15, stalls=3))
    assert ("(3 of them in the first 12 s: the crowd at the start)" in limit.text) is told


def test_failures_that_were_ordered_are_blamed_on_nobody_else(make_run: MakeRun) -> None:
    """GIVEN an unhealthy run with a busy machine WHEN its upstream was ordered to fail THEN the order is the cause."""
    folder = make_run("cached")
    stalled_at(folder, 1, 2, 3)
    busy_machine(folder, 1.95)
    told = ordered(folder, 7)
    evidence = (f"8 of 16 requests for audio failed; {told}",)
    unhealthy = record(verdict="unhealthy", evidence=evidence, stalls=3, throttled_s=50.0)
    stalls, service = passed(folder, unhealthy)
    assert stalls.resource == service.resource == "upstream"
    assert stalls.text.endswith("while requests failed as was ordered")
    assert service.text == evidence[0]


def test_a_dead_server_or_a_rare_order_is_no_excuse(make_run: MakeRun) -> None:
    """GIVEN a crash, no answer after the load, or a failure ordered in a hundred THEN the server is named."""
    folder = make_run("cached")
    told = ordered(folder, 1, 100)
    unhealthy = record(verdict="unhealthy", evidence=(f"8 of 16 requests for audio failed; {told}",))
    assert [limit.resource for limit in passed(folder, unhealthy)] == ["server"]
    ordered_much = make_run("live")
    ordered(ordered_much, 7)
    for verdict in ("crashed", "unhealthy"):
        gone = record(verdict=verdict, evidence=("server: did not answer",))
        assert [limit.resource for limit in passed(ordered_much, gone)] == ["server"]


@pytest.mark.parametrize(("throttled_s", "resource"), [(0.0, "upstream"), (50.0, "CPU")])
def test_stalls_under_ordered_faults(make_run: MakeRun, throttled_s: float, resource: str) -> None:
    """GIVEN a server that got over its upstream's faults THEN stalls are the VM's CPU's, else the faults'."""
    folder = make_run("cached")
    stalled_at(folder, 1, 2, 3)
    busy_machine(folder, 1.95)
    told = ordered(folder, 7)
    (limit,) = passed(folder, record(stalls=3, throttled_s=throttled_s))
    assert limit.resource == resource
    assert limit.text.endswith(f"while {told}") is (resource == "upstream")


def test_the_boundary_is_exact(make_run: MakeRun) -> None:
    """One stall in a hundred blocks is carried, two are not; a tree under the budget is, one that meets it is not."""
    folder = make_run("cached")
    stalled_at(folder, 10, 20)
    assert not passed(folder, record(stalls=1, peak_tree_rss_mb=2047.9))
    assert [limit.resource for limit in passed(folder, record(stalls=2))] == ["none"]
    assert [limit.resource for limit in passed(folder, record(peak_tree_rss_mb=2048.0))] == ["memory"]


def test_the_first_limit_in_time_is_named_first(make_run: MakeRun) -> None:
    """GIVEN stalls from 5 s on, a budget passed later and a kill at last THEN they are told in that order."""
    folder = make_run("live")
    stalled_at(folder, 4, 5, 30)
    killed = record(
        verdict="oom_killed", server_kills=1, oom_kills=1, first_kill_s=24.3, killed_after_s=24.3,
        stalls=3, peak_tree_rss_mb=3600.0,
    )  # fmt: skip
    first, second, third = passed(folder, killed)
    assert (first.resource, first.at_s) == ("none", 5.0)
    assert second.resource == third.resource == "memory"
    assert 5.0 < (second.at_s or 0.0) < 24.3
    assert third.text == "the kernel killed the server after 24.3 s"


def test_what_follows_the_servers_death_is_left_out(make_run: MakeRun) -> None:
    """GIVEN stalls only after the kill THEN memory alone ran out."""
    folder = make_run("live")
    stalled_at(folder, 24.5, 24.6, 24.7)
    killed = record(
        verdict="oom_killed",
        server_kills=1,
        oom_kills=1,
        first_kill_s=24.3,
        killed_after_s=24.3,
        stalls=3,
    )
    assert [limit.resource for limit in passed(folder, killed)] == ["memory"]


@pytest.mark.parametrize(
    ("changes", "machine_cpus", "resource", "words"),
    [
        ({"throttled_s": 5.1, "balance_left_s": 0.0}, 2.0, "CPU", "throttled for 5 s (0 s of balance left)"),
        ({"cpu_s": 161.0}, 2.0, "CPU", "used 1.61 of its 2 vCPUs"),
        ({"cpu_s": 50.0}, 1.9, "this machine's CPU", "0.50 by the VM, 0.10 by the load, 1.30 by others"),
        ({"throttled_s": 4.9}, 1.7, "none", "used 0.20 CPUs and was not throttled"),
        ({}, None, "none", "used 0.20 CPUs and was not throttled"),
    ],
    ids=["throttled", "busy", "machine busy", "nothing short", "an old run"],
)
def test_what_was_short_while_blocks_came_late(
    make_run: MakeRun, changes: dict[str, object], machine_cpus: float | None, resource: str, words: str
) -> None:
    """Stalls are blamed on the VM's CPU, on the machine's, or on neither, by the CPU time of the load."""
    folder = make_run("cached")
    stalled_at(folder, 1, 2, 3)
    used = [(ZERO_S + at, "" if machine_cpus is None else 900 + at * machine_cpus) for at in range(100)]
    (folder / "samples.csv").write_text("t,machine_cpu_s\n" + "".join(f"{t},{cpu_s}\n" for t, cpu_s in used))
    (limit,) = passed(folder, record(stalls=3, **changes))
    assert (limit.resource, limit.at_s) == (resource, 2.0)
    assert words in limit.text


def test_a_server_that_served_nothing_is_its_own_limit(make_run: MakeRun) -> None:
    """GIVEN a crash THEN the server is named, with the verdict's evidence."""
    (limit,) = passed(make_run("cached"), record(verdict="crashed", evidence=("server: status 3",)))
    assert (limit.resource, limit.text) == ("server", "server: status 3")


def test_killed_children_are_no_killed_server(make_run: MakeRun) -> None:
    """GIVEN two aligners killed THEN the text says so, and memory ran out."""
    found = record(verdict="oom_killed", child_kills=2, oom_kills=2, first_kill_s=9.0, killed_after_s=9.0)
    (limit,) = passed(make_run("cached"), found)
    assert limit.text == "the kernel killed 2 children after 9.0 s"
