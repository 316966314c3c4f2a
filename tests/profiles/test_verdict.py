"""Scripted run folders in, verdicts out: every rule, and its exact boundary."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.run_folder import LOAD_COLUMNS, REQUEST_COLUMNS, SAMPLE_COLUMNS
from profiles.scenario import load_scenario
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import MIB

KILL_LINE = "Memory cgroup out of memory: Killed process 10 (python) anon-rss:307200kB"


@dataclass(frozen=True)
class Script:
    """A made-up run: ten seconds of samples, ten blocks of one reader; times are from the load's start."""

    scenario: str = "cached"
    start_s: float = 100.0
    tree_mb: Sequence[float] = (100.0,) * 100
    load_rows: Sequence[str] = ("0,0.1,0.01,50000000,20,20000,1", "10,1.1,0.01,50000000,20,20000,1")
    events: Sequence[dict[str, Any]] = ()
    ended: dict[str, Any] | None = field(
        default_factory=lambda: {"reason": "the sessions' end", "returncode": 0}
    )
    healthy: bool = True
    waits_s: Sequence[float] = (0.01,) * 10
    failed: int = 0
    gap_s: float = 0.0
    owner_gone: bool = False
    late_s: float = 0.0
    missing: int = 0
    asks: Sequence[int] = ()

    def write(self, folder: Path) -> Path:
        """Write the run folder."""
        folder.mkdir(exist_ok=True, parents=True)
        run = {
            "scenario": load_scenario(self.scenario).model_dump(),
            "vm": {"memory_mb": 4096, "cpus": 2, "share_of_core": 0.125, "backend": "cgroup v1"},
        }
        (folder / "run.json").write_text(json.dumps(run))
        (folder / "samples.csv").write_text(self._samples())
        (folder / "requests.csv").write_text(self._requests())
        (folder / "generator.csv").write_text(self._generator())
        events = [{"t": 0.0, "event": "load_started"}, *self.events]
        if self.ended is not None:
            events.append({"t": 10.0, "event": "load_ended", **self.ended})
            events.append({"t": 10.6, "event": "health", "ok": self.healthy})
            events.append({"t": 10.7, "event": "recorded", "owner_gone": self.owner_gone, "oom_kills": 0})
        shifted = [{**event, "t": event["t"] + self.start_s} for event in events]
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in shifted))
        return folder

    def _samples(self) -> str:
        lines = [",".join(SAMPLE_COLUMNS)]
        for i, tree_mb in enumerate(self.tree_mb):
            t = i / 10 + (self.gap_s if i > 50 else 0.0)
            row = {
                "t": self.start_s + t,
                "vm_bytes": tree_mb * MIB,
                "server_rss_bytes": tree_mb / 2 * MIB,
                "children_rss_bytes": tree_mb / 2 * MIB,
                "processes": 3,
                "cpu_s": 5 + t,
            }
            lines.append(",".join(str(row.get(column, "")) for column in SAMPLE_COLUMNS))
        return "\n".join(lines) + "\n"

    def _generator(self) -> str:
        rows = [row.split(",", 1) for row in self.load_rows]
        lines = [f"{self.start_s + float(t)},0,{rest}" for t, rest in rows]
        return "\n".join([",".join(LOAD_COLUMNS), *lines]) + "\n"

    def _requests(self) -> str:
        lines = [",".join(REQUEST_COLUMNS)]
        for i, wait_s in enumerate(self.waits_s):
            status = 500 if i < self.failed else 404 if i < self.missing else 200
            lines.append(f"{self.start_s + i},r0,chunk,{status},480000,0.01,{self.late_s},")
            lines.append(f"{self.start_s + i},r0,play,,,,{wait_s},{'first:chunk' if i == 0 else 'chunk'}")
        lines += [f"{self.start_s + 1},r0,preprocess,{status},90,0.01,0.0,page:1" for status in self.asks]
        return "\n".join(lines) + "\n"


def kill(t: float, role: str, pid: int = 10) -> dict[str, Any]:
    """A kernel kill as the recorder writes it."""
    return {
        "t": t, "event": "oom_kill", "pid": pid, "comm": "python", "role": role, "anon_rss_mb": 300.0,
        "line": KILL_LINE, "held": {"server": {"processes": 1, "rss_mb": 300.0}},
    }  # fmt: skip


def verdict_of(script: Script, tmp_path: Path) -> VerdictRecord:
    """Write the folder and judge it."""
    return judge(script.write(tmp_path / "run"))


def test_a_calm_run_survived_and_meets_its_expectation(tmp_path: Path) -> None:
    """GIVEN no kill, a healthy server and quiet memory THEN the run survived, as expected."""
    record = verdict_of(Script(), tmp_path)
    assert (record.verdict, record.met) == ("survived", True)
    assert record.peak_tree_rss_mb == 100.0
    assert record.steady_rss_mb == 100.0
    assert record.growth_mb_per_hour == 0.0
    assert record.peak_children == 2
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["verdict"] == "survived"


def test_a_kill_of_the_server_is_timed_from_the_loads_start(tmp_path: Path) -> None:
    """GIVEN an aligner and then the server killed THEN the server's kill gives time and role."""
    script = Script("live", events=[kill(3.0, "child", 11), kill(4.2, "server")])
    record = verdict_of(script, tmp_path)
    assert (record.verdict, record.met) == ("oom_killed", True)
    assert (record.killed_after_s, record.first_kill_s, record.victim_role) == (4.2, 3.0, "server")
    assert (record.server_kills, record.child_kills, record.oom_kills) == (1, 1, 2)
    assert KILL_LINE in record.evidence
    assert record.held_at_kill == {"server": {"processes": 1, "rss_mb": 300.0}}


def test_only_children_killed_is_a_kill_but_not_the_one_expected_of_live(tmp_path: Path) -> None:
    """GIVEN live reading whose aligners alone were killed THEN oom_killed, and the expectation is not met."""
    record = verdict_of(Script("live", events=[kill(3.0, "child")]), tmp_path)
    assert (record.verdict, record.met) == ("oom_killed", False)
    assert "expected server_killed = True, found False" in record.evidence


def test_a_kill_that_only_the_counter_saw_counts(tmp_path: Path) -> None:
    """GIVEN an unreadable kernel log WHEN the counter rose THEN oom_killed, and nobody is named without proof."""
    events = [
        {"t": 11.0, "event": "recorded", "oom_kills": 2},
        {"t": 0.0, "event": "recording", "kernel_log_readable": False},
    ]
    record = verdict_of(Script("live", events=events), tmp_path)
    assert (record.verdict, record.oom_kills, record.victim) == ("oom_killed", 2, None)
    assert (record.server_kills, record.child_kills) == (0, 0)
    assert "its log could not be read" in record.evidence[0]


def test_a_server_that_ended_by_sigkill_beside_a_counted_kill_was_its_victim(tmp_path: Path) -> None:
    """GIVEN an unreadable kernel log WHEN the server ended by SIGKILL and the counter rose THEN it was the server."""
    events = [
        {"t": 11.0, "event": "recorded", "oom_kills": 1},
        {"t": 4.0, "event": "exited", "returncode": -9},
    ]
    record = verdict_of(Script("live", events=events), tmp_path)
    assert (record.server_kills, record.child_kills, record.victim_role) == (1, 0, "server")
    assert (record.killed_after_s, record.met) == (4.0, True)


def test_what_is_killed_after_the_load_does_not_count(tmp_path: Path) -> None:
    """GIVEN a kill while everything is being stopped THEN the run survived: nobody was reading any more."""
    events = [kill(10.3, "server"), {"t": 11.0, "event": "recorded", "oom_kills": 1}]
    ended = {"reason": "the sessions' end", "returncode": 0, "oom_kills": 0}
    record = verdict_of(Script(events=events, ended=ended), tmp_path)
    assert (record.verdict, record.oom_kills, record.evidence) == (
        "survived",
        0,
        ("no kill, no restart, healthy after the load",),
    )


def test_a_kill_by_the_whole_machine_is_not_the_vms(tmp_path: Path) -> None:
    """GIVEN a machine that ran out of memory itself THEN the run is invalid: the limit is not what killed."""
    record = verdict_of(Script("live", events=[{**kill(4.0, "server"), "whole_machine": True}]), tmp_path)
    assert record.verdict == "invalid"


def test_cached_reading_that_was_not_cached_is_not_as_expected(tmp_path: Path) -> None:
    """GIVEN two chunks that were not there THEN the run survived, and yet is not what cached promises."""
    record = verdict_of(Script(missing=2), tmp_path)
    assert (record.verdict, record.fallbacks, record.met) == ("survived", 2, False)


def test_a_late_upstream_makes_the_run_invalid(tmp_path: Path) -> None:
    """GIVEN one answer in ten later than drawn THEN the upstream was part of what was measured."""
    events = [{"t": 10.1, "event": "upstream", "upstream_requests": 100.0, "upstream_late": 10.0}]
    assert verdict_of(Script(events=events), tmp_path).verdict == "invalid"


@pytest.mark.parametrize(("faulted", "verdict"), [(0.0, "survived"), (80.0, "invalid")])
def test_what_was_to_go_wrong_does_not_excuse_a_late_upstream(
    tmp_path: Path, faulted: float, verdict: str
) -> None:
    """GIVEN 5 late answers of 100 THEN it kept time, but not where only 20 of them were to be in time."""
    told = {"upstream_requests": 100.0, "upstream_faulted": faulted, "upstream_late": 5.0}
    assert verdict_of(Script(events=[{"t": 10.1, "event": "upstream", **told}]), tmp_path).verdict == verdict


@pytest.mark.parametrize(
    ("status", "verdict"), [(-9, "killed"), (-11, "crashed"), (1, "crashed"), (0, "crashed")]
)
def test_an_end_without_a_kernel_kill_is_told_apart(tmp_path: Path, status: int, verdict: str) -> None:
    """GIVEN a server that ended WHEN the kernel killed nobody THEN it crashed, or somebody else killed it."""
    record = verdict_of(Script(events=[{"t": 5.0, "event": "exited", "returncode": status}]), tmp_path)
    assert (record.verdict, record.met) == (verdict, False)


def test_a_server_that_no_longer_answers_is_unhealthy(tmp_path: Path) -> None:
    """GIVEN no answer after the load THEN it did not survive."""
    assert verdict_of(Script(healthy=False), tmp_path).verdict == "unhealthy"


def test_a_kill_after_the_load_says_why_a_server_no_longer_answers(tmp_path: Path) -> None:
    """GIVEN a kill between the load's end and the question THEN unhealthy, with its line; a later one says nothing."""
    record = verdict_of(Script(healthy=False, events=[kill(10.3, "server")]), tmp_path / "a")
    assert (record.verdict, record.oom_kills) == ("unhealthy", 0)
    assert record.evidence[1].startswith("after the load: ")
    later = verdict_of(Script(healthy=False, events=[kill(10.65, "server")]), tmp_path / "b")
    assert len(later.evidence) == len(record.evidence) - 1


@pytest.mark.parametrize(("failed", "verdict"), [(1, "survived"), (2, "unhealthy")])
def test_more_than_one_in_a_hundred_requests_failed_is_unhealthy(
    tmp_path: Path, failed: int, verdict: str
) -> None:
    """GIVEN 100 requests for audio WHEN one fails it passes, two do not."""
    script = Script(waits_s=(0.0,) * 100, failed=failed)
    assert verdict_of(script, tmp_path).verdict == verdict


def test_an_ask_for_pages_fails_alone_and_is_no_request_for_audio(tmp_path: Path) -> None:
    """GIVEN asks that were taken, refused, unanswered and left behind THEN two failed, and the server survived."""
    record = verdict_of(Script("hybrid", asks=[202] * 97 + [503, 0, 499]), tmp_path)
    assert (record.verdict, record.mode, record.met) == ("survived", "hybrid", True)
    assert (record.requests, record.failures) == (110, 2)
    assert (record.audio_requests, record.audio_failures, record.timings_refused) == (10, 0, 0)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(load_rows=("0,0,0,1,1,9,1", "10,9.2,0,1,1,9,1")), "process 0 used 0.92 of a core over 10 s"),
        (Script(gap_s=2.0), "2.1 s without a sample"),
        (Script(tree_mb=()), "no samples"),
        (Script(waits_s=()), "not one block was asked for"),
        (Script(late_s=0.6), "sent 600 ms late"),
        (Script(owner_gone=True), "did not record to the end"),
        (Script(ended={"reason": "interrupted", "returncode": None}), "the run was cut off"),
        (Script(tree_mb=(100.0,) * 70), "without a sample"),
        (Script(ended=None), "the run was cut off"),
        (Script(ended={"reason": "the sessions' end", "returncode": 1}), "ended with status 1"),
        (Script(ended={"reason": "it took too long", "returncode": None}), "it took too long"),
        (Script(events=[{"t": 1.0, "event": "failed", "reason": "recorder: gone"}]), "recorder: gone"),
    ],
)
def test_what_measured_nothing_is_invalid_and_says_why(tmp_path: Path, script: Script, reason: str) -> None:
    """GIVEN a starved generator, missing samples or a broken part THEN invalid, even with a kill in it."""
    for events in (script.events, [*script.events, kill(3.0, "server")]):
        record = verdict_of(replace(script, events=events), tmp_path)
        assert (record.verdict, record.met) == ("invalid", False)
        assert any(reason in line for line in record.evidence)


@pytest.mark.parametrize(("wait_s", "stalls"), [(0.25, 0), (0.2501, 1)])
def test_a_stall_is_a_wait_that_a_listener_hears(tmp_path: Path, wait_s: float, stalls: int) -> None:
    """GIVEN a later block WHEN it is a quarter second late it is no stall, a moment more and it is one."""
    record = verdict_of(Script(waits_s=(3.0, 0.0, wait_s)), tmp_path)
    assert (record.stalls, record.met) == (stalls, stalls == 0)
    assert record.first_audio_p50_ms == 3000.0


@pytest.mark.parametrize(("peak_mb", "verdict"), [(2047.9, "met"), (2048.0, "not met")])
def test_the_budget_is_below_2048_mb(tmp_path: Path, peak_mb: float, verdict: str) -> None:
    """GIVEN a tree of 2048 MB at its peak THEN the budget is exceeded, a little less and it holds."""
    record = verdict_of(Script(tree_mb=[100.0] * 50 + [peak_mb] + [100.0] * 49), tmp_path)
    assert (record.verdict, record.met) == ("survived", verdict == "met")


def test_growth_is_the_slope_of_the_settled_half(tmp_path: Path) -> None:
    """GIVEN 1 MB more every second, with one lone peak THEN growth is 3600 MB an hour."""
    tree_mb = [100 + i / 10 for i in range(100)]
    tree_mb[70] = 900.0
    assert verdict_of(Script(tree_mb=tree_mb), tmp_path).growth_mb_per_hour == pytest.approx(3600, rel=0.02)


@settings(max_examples=10, deadline=None)
@given(start_s=st.floats(0, 1e7))
def test_a_run_shifted_in_time_gets_the_same_verdict(
    tmp_path_factory: pytest.TempPathFactory, start_s: float
) -> None:
    """The clock's origin means nothing."""
    folder = tmp_path_factory.mktemp("shifted")
    script = Script("live", start_s=round(start_s, 1), events=[kill(4.0, "server")])
    assert verdict_of(script, folder) == verdict_of(replace(script, start_s=100.0), folder)


def test_a_run_says_how_it_was_loaded(tmp_path: Path) -> None:
    """GIVEN a run with a mix, processes and a failing upstream THEN they stand in the verdict; an old run has none."""
    record = verdict_of(Script("hybrid"), tmp_path)
    assert (record.mix, record.load_processes, record.upstream_latency) == ("steady", 1, "2-5")
    path = tmp_path / "run" / "run.json"
    run = json.loads(path.read_text())
    run["scenario"]["load"] |= {"mix": "steady=3,restless=1", "processes": 2}
    run["scenario"]["upstream"] = {"latency": "1", "faults": ["429=0.1"]}
    path.write_text(json.dumps(run))
    assert judge(path.parent).upstream_faults == ("429=0.1",)
    path.write_text(json.dumps({**run, "upstream": "http://127.0.0.1:8880/v1"}))
    assert judge(path.parent).upstream_latency is None
    old = {key: run["scenario"][key] for key in run["scenario"] if key != "upstream"}
    old["load"] = {key: value for key, value in old["load"].items() if key not in ("mix", "processes")}
    path.write_text(json.dumps({**run, "scenario": old}))
    record = judge(path.parent)
    assert (record.mix, record.load_processes, record.upstream_latency, record.upstream_faults) == (None,) * 4


def test_a_generator_that_nobody_watched_is_not_trusted(tmp_path: Path) -> None:
    """GIVEN readers without a generator.csv THEN the run is invalid; an old run's lateness alone judges it."""
    folder = Script().write(tmp_path / "run")
    (folder / "generator.csv").unlink()
    record = judge(folder)
    assert (record.verdict, record.load_loop_lag_p99_ms) == ("invalid", None)
    assert "generator.csv is missing or empty" in record.evidence[0]
    run = json.loads((folder / "run.json").read_text())
    del run["scenario"]["load"]["mix"]
    (folder / "run.json").write_text(json.dumps(run))
    assert judge(folder).verdict == "survived"


def test_judging_leaves_a_line_for_each_listener(tmp_path: Path) -> None:
    """GIVEN a judged run THEN listeners.csv stands beside the verdict; a run without requests has none."""
    folder = Script().write(tmp_path / "run")
    record = judge(folder)
    lines = (folder / "listeners.csv").read_text().splitlines()
    assert len(lines) == 2
    assert (record.readers_heard, record.blocks_by_source) == (
        1,
        {"chunk": 10, "live": 0, "cache": 0, "fallback": 0},
    )
    empty = Script(waits_s=()).write(tmp_path / "empty")
    judge(empty)
    assert not (empty / "listeners.csv").exists()


def test_memory_per_reader_is_what_the_load_added(tmp_path: Path) -> None:
    """GIVEN 32 readers and a tree that rose from 100 to 164 MB THEN each took 2 MB."""
    assert verdict_of(Script(tree_mb=[100.0] * 50 + [164.0] * 50), tmp_path).vm_mb_per_reader == 2.0


def test_a_server_that_played_nothing_is_no_pass(tmp_path: Path) -> None:
    """GIVEN a page in HTML for every block THEN unhealthy, although every status is 200."""
    folder = Script(waits_s=(0.0,)).write(tmp_path / "run")
    lines = (folder / "requests.csv").read_text().splitlines()
    unplayable = [f"{line}needed:unplayable" for line in lines if ",chunk,200," in line]
    (folder / "requests.csv").write_text("\n".join([lines[0], *unplayable]) + "\n")
    record = judge(folder)
    assert record.verdict == "unhealthy"
    assert "not one block was played, of 1 requests for audio" in record.evidence
