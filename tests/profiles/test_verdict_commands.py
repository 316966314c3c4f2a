"""Verdicts of loads that are somebody's own program, and of servers that were only watched."""

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.run_folder import SAMPLE_COLUMNS
from profiles.scenario import Scenario, with_load, with_target
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord

KILL = {
    "t": 5,
    "event": "oom_kill",
    "pid": 10,
    "comm": "node",
    "role": "server",
    "anon_rss_mb": 300.0,
    "line": "killed",
}
STARTED = {"t": -1, "event": "started", "pid": 10}


def judged(
    folder: Path,
    *events: dict[str, Any],
    rows: str = "",
    kind: str = "command",
    backend: str = "cgroup v1",
    **ended: Any,
) -> VerdictRecord:
    """The verdict of ten seconds in which these things happened."""
    plain = Scenario(name="mine")
    scenario = with_load(with_target(plain, "node x"), kind="command", command=("k6",)).model_dump(
        mode="json"
    )
    run: dict[str, Any] = {
        "scenario": scenario,
        "vm": {"memory_mb": 512, "cpus": 2, "share_of_core": 0.125, "backend": backend},
        "upstream": "none",
    }
    if kind == "none":
        run["scenario"] = {
            "name": "mine",
            "description": "",
            "load": {"kind": kind},
            "expect": {"verdict": "survived"},
        }
        run["vm"] |= {"memory_mb": None, "share_of_core": None}
        run["target"] = {"kind": "attached", "what": "process 10 (node)"}
    (folder / "run.json").write_text(json.dumps(run))
    samples = [
        {"t": i / 10, "server_rss_bytes": 1000, "children_rss_bytes": 0, "processes": 1} for i in range(101)
    ]
    lines = [",".join(str(sample.get(column, "")) for column in SAMPLE_COLUMNS) for sample in samples]
    (folder / "samples.csv").write_text("\n".join([",".join(SAMPLE_COLUMNS), *lines]) + "\n")
    if rows:
        (folder / "requests.csv").write_text("t,kind,status\n" + rows)
    told = [
        {"t": -2, "event": "recording", "kernel_log_readable": True},
        {"t": 0, "event": "load_started"},
        *events,
        {"t": 10, "event": "load_ended", "reason": "its command ended", "returncode": 0, **ended},
        *([{"t": 10.1, "event": "health", "ok": True, "path": "/up"}] if kind == "command" else []),
        {"t": 11, "event": "recorded", "owner_gone": False, "oom_kills": None},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told))
    return judge(folder)


def test_a_server_that_lives_under_a_load_of_one_s_own_survived(tmp_path: Path) -> None:
    """GIVEN a command that ended well, and no rows THEN survived; nothing of readers is asked or made up."""
    record = judged(tmp_path)
    assert (record.verdict, record.met, record.evidence) == (
        "survived", True, ("no kill, no restart, healthy after the load",),
    )  # fmt: skip
    unknown = (
        "mode",
        "readers",
        "pace",
        "session_s",
        "mix",
        "stalls",
        "blocks_played",
        "requests",
        "fallbacks",
    )
    assert {
        name: getattr(record, name) for name in (*unknown, "upstream_latency", "budget_mb")
    } == dict.fromkeys((*unknown, "upstream_latency", "budget_mb"))
    assert not (tmp_path / "listeners.csv").exists()


def test_rows_of_a_load_of_one_s_own_are_counted(tmp_path: Path) -> None:
    """GIVEN rows THEN requests, failures and their statuses; a session's end is no request."""
    rows = "".join(f"{i / 100},get,{200 if i % 2 else 503}\n" for i in range(100)) + "9,session,\n"
    record = judged(tmp_path, rows=rows)
    assert (record.verdict, record.requests, record.failures) == ("unhealthy", 100, 50)
    assert record.failures_by_status == {"503": 50}
    assert record.evidence[0] == "50 of 100 requests failed: 50 503"


@pytest.mark.parametrize(
    ("events", "ended", "verdict"),
    [
        ((), {"returncode": 3}, "invalid"),
        ((), {"returncode": None, "reason": "it took too long"}, "invalid"),
        ((), {"returncode": None, "reason": "interrupted"}, "invalid"),
        ((STARTED, KILL), {"returncode": 3, "oom_kills": 1}, "oom_killed"),
        ((STARTED, {"t": 5, "event": "exited", "returncode": 1, "pid": 10}), {"returncode": 99}, "crashed"),
        ((STARTED, KILL), {"returncode": None, "reason": "it took too long", "oom_kills": 1}, "invalid"),
    ],
)
def test_a_load_that_failed_because_its_server_died_is_no_excuse_for_the_server(
    tmp_path: Path, events: tuple[dict[str, Any], ...], ended: dict[str, Any], verdict: str
) -> None:
    """GIVEN a command that failed THEN the run is invalid, unless a death of the server explains it."""
    record = judged(tmp_path, *events, **ended)
    assert record.verdict == verdict
    too_long = "load: took longer than its session and a minute. Give it a longer --session-s"
    assert (too_long in record.evidence) == (ended.get("reason") == "it took too long")


def test_a_health_that_was_asked_elsewhere_is_told_by_its_path(tmp_path: Path) -> None:
    """GIVEN no answer after the load THEN the evidence names the path that was asked."""
    judged(tmp_path)
    events = tmp_path / "events.jsonl"
    events.write_text(events.read_text().replace('"ok": true', '"ok": false'))
    assert judge(tmp_path).evidence[0] == "server: did not answer /up after the load"


def test_a_watched_process_that_lives_survived(tmp_path: Path) -> None:
    """GIVEN no load, no health and no limit THEN survived, for so long as it was watched."""
    record = judged(tmp_path, kind="none", backend="attached")
    assert (record.verdict, record.vm_memory_mb, record.load_kind) == ("survived", None, "none")
    assert record.evidence == ("no kill and no end was seen in 10 s of watching",)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (0, "survived"),
        (-15, "survived"),
        (143, "survived"),
        (-9, "killed"),
        (1, "crashed"),
        (-11, "crashed"),
        (None, "invalid"),
    ],
)
def test_a_watched_process_may_be_ended_by_others(tmp_path: Path, status: int | None, verdict: str) -> None:
    """GIVEN an end as of one that is told to THEN no crash; an unknown one proves nothing."""
    ended = {"t": 5, "event": "exited", "returncode": status, "pid": 10}
    record = judged(tmp_path, ended, kind="none", backend="attached", oom_kills=0)
    assert record.verdict == verdict, record.evidence


def test_the_machine_may_be_what_killed_a_watched_process(tmp_path: Path) -> None:
    """GIVEN a kill of the whole machine THEN it is the verdict: no limit is the run's own."""
    kill = {**KILL, "whole_machine": True}
    assert judged(tmp_path, kill, kind="none", backend="attached").verdict == "oom_killed"
