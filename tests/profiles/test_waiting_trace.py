from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles.run_folder import REQUEST_COLUMNS, RunFolder
from profiles.waiting_trace import STEPS, WaitingTrace, read_waiting_trace


def folder(tmp_path: Path, *plays: str, length_s: float = float(STEPS)) -> RunFolder:
    """A run whose load lasted from t = 100, so that each step is a second; plays are `t,reader,late_s`."""
    rows = [f"{t},{reader},play,200,0,,{late_s},chunk" for t, reader, late_s in (p.split(",") for p in plays)]
    (tmp_path / "requests.csv").write_text("\n".join([",".join(REQUEST_COLUMNS), *rows]) + "\n")
    events = [{"t": 100, "event": "load_started"}, {"t": 100 + length_s, "event": "load_ended"}]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return RunFolder(tmp_path)


def test_a_wait_lies_where_it_was(tmp_path: Path) -> None:
    """GIVEN one of two readers who waited from 2.5 s to 4 s THEN half of a step's half, and half of the next."""
    trace = read_waiting_trace(folder(tmp_path, "104,0,1.5", "101,1,0.01"))
    assert trace.shares[:6] == pytest.approx((0, 0, 0.25, 0.5, 0, 0))
    assert sum(trace.shares) == pytest.approx(0.75)
    assert (trace.edges_s[0], trace.edges_s[-1], len(trace.edges_s)) == (0, STEPS, STEPS + 1)


def test_what_nobody_hears_is_no_wait(tmp_path: Path) -> None:
    """GIVEN a wait of a quarter second THEN nobody waited; a moment more and somebody did."""
    assert not any(read_waiting_trace(folder(tmp_path, "104,0,0.25")).shares)
    assert any(read_waiting_trace(folder(tmp_path, "104,0,0.26")).shares)


def test_a_wait_that_reaches_over_the_loads_end_is_cut_there(tmp_path: Path) -> None:
    """GIVEN a reader told of after the load's end THEN the last step is full, and nothing is written past it."""
    trace = read_waiting_trace(folder(tmp_path, f"{100 + STEPS + 9},0,20"))
    assert trace.shares[-1] == pytest.approx(1.0)
    assert sum(trace.shares) == pytest.approx(11.0)


def test_without_listeners_or_a_load_there_is_no_trace(tmp_path: Path) -> None:
    """GIVEN no play, or a load without a length THEN the trace is empty, and no error."""
    assert read_waiting_trace(folder(tmp_path)) == WaitingTrace()
    assert read_waiting_trace(folder(tmp_path, "100,0,1", length_s=0.0)) == WaitingTrace()


def test_of_a_soak_the_share_is_of_those_who_read_at_once(tmp_path: Path) -> None:
    """GIVEN four sessions of two readers, one after the other, one waits a whole step THEN half of who reads."""
    run = {"target": {"kind": "soak"}, "scenario": {"load": {"kind": "readers", "readers": 2}}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    trace = read_waiting_trace(folder(tmp_path, "104,0,1", "110,1,0", "120,2,0", "130,3,0"))
    assert trace.shares[3] == pytest.approx(0.5)
