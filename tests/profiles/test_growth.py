"""Growth from a run folder: spans, witnesses, trims and the hours that are left."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from profiles.growth import growth_figures
from profiles.growth_text import growth_cell, growth_lines
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import MIB

Memory = Callable[[float], float]
"""MB at a moment of the run; its load lasts from 100 to 220."""
END = 235.0


def at_level(_: float) -> float:
    """100 MB all the time."""
    return 100.0


def leaking(t: float) -> float:
    """100 MB, and half a MB a second more under load."""
    return 100.0 + 0.5 * (min(max(t, 100.0), 220.0) - 100.0)


def figures(
    path: Path,
    server: Memory = at_level,
    children: Memory = lambda _: 0.0,
    anon: Memory | None = None,
    events: Sequence[dict[str, Any]] = (),
    limit_mb: float | None = 1024,
) -> dict[str, Any]:
    """The growth of a made-up run with a session a second; `anon` is the processes' memory unless given."""
    rows = []
    for i in range(int((END - 90) * 5)):
        t = 90 + i / 5
        held = anon(t) if anon else server(t) + children(t)
        rows.append(f"{t},{server(t) * MIB:.0f},{children(t) * MIB:.0f},{held * MIB:.0f}")
    head = "t,server_rss_bytes,children_rss_bytes,anon_bytes"
    (path / "samples.csv").write_text("\n".join([head, *rows]) + "\n")
    known = [{"t": 100, "event": "load_started"}, *events, {"t": 220, "event": "load_ended"}]
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in known))
    (path / "requests.csv").write_text("t,kind\n" + "".join(f"{100 + i},session\n" for i in range(1, 121)))
    scenario = {"load": {"kind": "command"}}
    (path / "run.json").write_text(json.dumps({"scenario": scenario, "vm": {"memory_mb": limit_mb}}))
    return growth_figures(RunFolder(path), 1800.0)


def trimmed(*, ok: bool = True, reason: str = "") -> dict[str, Any]:
    """A trim that was asked for at 225, and had settled by 230."""
    return {
        "t": 230, "event": "trimmed", "how": "malloc_trim", "ok": ok, "reason": reason, "asked_t": 225,
    }  # fmt: skip


def test_a_leak_comes_with_slopes_and_the_hours_that_are_left(tmp_path: Path) -> None:
    """GIVEN half a MB a session, 160 MB at the end of 1024 THEN the limit is half an hour away."""
    found = figures(tmp_path, leaking)
    assert (found["growth"], found["growth_over"]) == ("leak", "sessions")
    assert found["growth_bytes_per_session"] == pytest.approx(0.5 * MIB, rel=0.01)
    assert found["growth_mb_per_hour_low"] <= 1800.0 <= found["growth_mb_per_hour_high"]
    assert found["hours_to_limit"] == pytest.approx((1024 - 160) / 1800, abs=0.01)
    assert found["hours_to_limit_low"] <= found["hours_to_limit"] <= found["hours_to_limit_high"]
    assert found["trim"] == "not offered"


def test_without_a_limit_there_are_no_hours(tmp_path: Path) -> None:
    """GIVEN a leak where no limit is known THEN nothing is said of when it ends."""
    found = figures(tmp_path, leaking, limit_mb=None)
    assert (found["growth"], found["hours_to_limit"]) == ("leak", None)


def test_what_a_trim_gives_back_is_retention(tmp_path: Path) -> None:
    """GIVEN growth like a leak's WHEN a trim gives 40 of 60 MB back THEN it is retention."""
    found = figures(tmp_path, lambda t: leaking(t) - (40 if t > 226 else 0), events=[trimmed()])
    assert (found["growth"], found["returned_on_trim_mb"]) == ("retention", 40.0)
    assert found["hours_to_limit"] is None


def test_what_a_trim_does_not_give_back_is_a_leak(tmp_path: Path) -> None:
    """GIVEN a trim that gives 20 of 60 MB back THEN it is a leak still."""
    found = figures(tmp_path, lambda t: leaking(t) - (20 if t > 226 else 0), events=[trimmed()])
    assert (found["growth"], found["returned_on_trim_mb"]) == ("leak", 20.0)


def test_what_ends_with_the_load_is_no_leak(tmp_path: Path) -> None:
    """GIVEN memory that falls by itself once the load is over THEN neither leak nor retention is claimed."""
    found = figures(tmp_path, lambda t: leaking(t) if t < 221 else 105.0, events=[trimmed()])
    assert (found["growth"], found["returned_on_trim_mb"]) == ("unknown", 0.0)
    assert "by itself" in found["growth_reason"]


def test_a_trim_that_failed_tells_nothing(tmp_path: Path) -> None:
    """GIVEN a failed trim THEN why stands in the record, and the leak is what it was."""
    found = figures(tmp_path, leaking, events=[trimmed(ok=False, reason="it has no glibc")])
    assert (found["growth"], found["returned_on_trim_mb"]) == ("leak", None)
    assert found["trim"] == "malloc_trim: failed: it has no glibc"


def test_mapped_files_are_no_leak(tmp_path: Path) -> None:
    """GIVEN RSS that grows WHEN the VM's anonymous memory does not THEN no leak is called, and both are named."""
    found = figures(tmp_path, leaking, anon=at_level)
    assert (found["growth"], found["growth_measured_by"]) == ("unknown", "tree RSS and VM anonymous")
    assert "mapped files" in found["growth_reason"]


def test_a_flat_tree_in_a_vm_that_grows_is_unknown(tmp_path: Path) -> None:
    """GIVEN anonymous memory that grows WHEN no process's RSS does THEN flat is not claimed."""
    assert figures(tmp_path, anon=leaking)["growth"] == "unknown"


def test_children_that_come_and_go_do_not_hide_the_server(tmp_path: Path) -> None:
    """GIVEN children who swing by more than all there is THEN the server alone is told, and that it was."""
    swinging = figures(tmp_path, children=lambda t: 400.0 if (int(t / 5) * 7919) % 11 < 5 else 0.0)
    assert (swinging["growth"], swinging["growth_measured_by"]) == ("flat", "server RSS")


def test_a_server_that_leaks_under_its_children_leaks(tmp_path: Path) -> None:
    """GIVEN a leak of the server's WHEN its children swing THEN it is found all the same."""
    found = figures(tmp_path, leaking, children=lambda t: 400.0 if (int(t / 5) * 7919) % 11 < 5 else 0.0)
    assert (found["growth"], found["growth_measured_by"]) == ("leak", "server RSS")


def test_children_who_pile_up_are_not_left_out(tmp_path: Path) -> None:
    """GIVEN a steady server WHEN its children swing and pile up THEN it is not called flat."""

    def piling(t: float) -> float:
        return 20.0 * max(0.0, t - 100) + (400.0 if (int(t / 5) * 7919) % 11 < 5 else 0.0)

    found = figures(tmp_path, children=piling)
    assert found["growth"] in ("leak", "unknown")
    assert found["growth_measured_by"] != "server RSS"


def test_a_restart_begins_anew(tmp_path: Path) -> None:
    """GIVEN a leak until 140 WHEN the server restarted is steady THEN it is flat, and the whole has no interval."""
    restart = [{"t": 140, "event": "restarted"}, {"t": 142, "event": "ready"}]
    found = figures(tmp_path, lambda t: 500 * (t - 90) if t < 140 else 100.0, events=restart)
    assert (found["growth"], found["growth_mb_per_hour_low"]) == ("flat", None)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([{"t": 216, "event": "restarted"}, {"t": 217, "event": "ready"}], "less than 8 s"),
        ([{"t": 140, "event": "restarted"}], "did not answer again"),
        ([{"t": 107, "event": "exited", "returncode": 1}], "less than 8 s"),
        ([{"t": 160, "event": "oom_kill", "role": "child"}], "killed for memory"),
    ],
)
def test_what_happened_in_between_is_said(tmp_path: Path, events: list[dict[str, Any]], why: str) -> None:
    """GIVEN a restart, an end or a kill in between THEN nothing is claimed, and that is why."""
    found = figures(tmp_path, leaking, events=events)
    assert found["growth"] == "unknown"
    assert why in found["growth_reason"]
    assert found["hours_to_limit"] is None


def test_a_leak_up_to_the_servers_death_is_one(tmp_path: Path) -> None:
    """GIVEN a server that grows until it is killed at 200 THEN what it did until then is told."""
    kill = {"t": 200, "event": "oom_kill", "role": "server"}
    assert figures(tmp_path, leaking, events=[kill])["growth"] == "leak"


def test_an_empty_folder_is_unknown(tmp_path: Path) -> None:
    """GIVEN nothing at all THEN nothing is claimed, and no figure is zero."""
    found = growth_figures(RunFolder(tmp_path), None)
    assert found.pop("growth") == "unknown"
    assert found.pop("growth_reason") == "no memory of the processes was measured"
    assert (found.pop("growth_over"), found.pop("trim")) == ("time", "not offered")
    assert set(found.values()) == {None}


def test_a_report_says_a_leak_in_a_word_and_a_line(tmp_path: Path) -> None:
    """GIVEN a leak THEN the table has its slope, and the line its interval, the hours and that no trim was offered."""
    known = figures(tmp_path, leaking)
    outcome = VerdictRecord(scenario="x", verdict="survived", growth_mb_per_hour=1800.0, **known)
    assert growth_cell(outcome) == "leak, 1,800 MB/h"
    (line,) = growth_lines(outcome)
    assert line.startswith("growth: leak (")
    assert all(
        part in line
        for part in ("513 KB a session (512 to 515)", "1,800 MB an hour", "0.48 hours", "not offered")
    )


def test_a_run_from_before_there_was_growth_has_a_dash() -> None:
    """GIVEN an old verdict THEN the table has a dash and the evidence no line."""
    outcome = VerdictRecord(scenario="x", verdict="survived")
    assert (growth_cell(outcome), growth_lines(outcome)) == ("–", [])  # noqa: RUF001  # an en dash
