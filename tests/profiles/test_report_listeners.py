from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from profiles.comparison import Comparison, compare
from profiles.report_listeners import heard_by, listener_rows
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]


def compared(*folders: Path) -> Comparison:
    """The comparison of these runs."""
    return compare([RunFolder(folder) for folder in folders])


def test_what_was_felt_stands_beside_each_other(make_run: MakeRun) -> None:
    """First audio, sources, stalls, silence, the worst reader and highlighting, a cell for every scenario."""
    rows = dict(listener_rows(compared(make_run("live"), make_run("cached"))))
    assert rows["heard something"] == ("32 of 32", "32 of 32")
    assert rows["first audio p50/p95"] == ("760/2,204 ms", "8/17 ms")
    assert rows["blocks from chunks"] == ("0", "512")
    assert rows["blocks live"] == ("93", "0")
    assert rows["from their own cache"] == ("0", "190")
    assert rows["stalls"] == ("61, 188.4 s", "none")
    assert rows["had a stall"] == ("30 of 32", "0 of 32")
    assert rows["silence"] == ("31.0% of time", "0.0% of time")
    assert rows["worst reader"] == ("22.4 s silent", "0.0 s silent")
    assert rows["never highlighted"] == ("58 blocks", "no block")
    assert rows["not highlighted"] == ("301.0 s", "0.4 s")


def test_what_nobody_felt_has_no_row(make_run: MakeRun) -> None:
    """Nobody pressed anything and nothing fell back: no row of zeros or dashes."""
    rows = dict(listener_rows(compared(make_run("cached"))))
    assert not {"after a press p50/p95", "live, no chunk", "blocks live"} & rows.keys()
    pressed = make_run("live", asked_wait_p50_ms=20.0, asked_wait_p95_ms=450.0)
    assert dict(listener_rows(compared(pressed)))["after a press p50/p95"] == ("20/450 ms",)


def test_a_pregeneration_has_no_listeners(make_run: MakeRun) -> None:
    """It has no column; alone it has no table."""
    made = make_run("pregenerate", load_kind="pregenerate")
    assert [outcome.scenario for outcome in heard_by(compared(made, make_run("cached")))] == ["cached"]
    assert listener_rows(compared(made)) == []


def test_a_probe_is_nobody_of_how_many(make_run: MakeRun) -> None:
    """Probes play first blocks one after the other: no share of readers is made of them."""
    rows = dict(listener_rows(compared(make_run("cached", load_kind="probe", readers=32, readers_heard=1))))
    assert "heard something" not in rows
    assert rows["first audio p50/p95"] == ("8/17 ms",)


def test_sessions_that_follow_each_other_are_no_share_of_those_who_read_at_once(make_run: MakeRun) -> None:
    """GIVEN a soak of 4 readers whose sessions follow each other THEN the sessions that heard something."""
    rows = dict(listener_rows(compared(make_run("cached", readers=4, sessions=0, readers_heard=96))))
    assert rows["heard something"] == ("96 sessions",)
