"""What each reader felt, from scripted rows: every reason, source and end."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.listener_figures import listener_figures
from profiles.listeners import (
    LISTENER_COLUMNS,
    Listener,
    Wait,
    read_listeners,
    wait_of,
    write_listeners,
)
from profiles.run_folder import REQUEST_COLUMNS, Request, RunFolder

ZERO_S = 100.0


def play(t: float, reader: int, late_s: float, source: str) -> str:
    """A `play` row."""
    return f"{t},{reader},play,{0 if source.endswith('never') else 200},0,,{late_s},{source}"


def plain(t: float, reader: int, late_s: float, status: int) -> str:
    """A block that played without its words' times for `late_s` seconds."""
    return f"{t},{reader},unhighlighted,{status},0,,{late_s},"


def folder(path: Path, *rows: str, end_s: float = 60.0) -> RunFolder:
    """A run folder with these rows, whose load lasted until `end_s`."""
    (path / "requests.csv").write_text("\n".join([",".join(REQUEST_COLUMNS), *rows]) + "\n")
    events = [{"t": ZERO_S, "event": "load_started"}, {"t": ZERO_S + end_s, "event": "load_ended"}]
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return RunFolder(path)


def listeners(path: Path, *rows: str) -> list[Listener]:
    """What the readers of these rows felt."""
    return read_listeners(folder(path, *rows), tell_highlighting=True)


def figures(run: RunFolder, session_wall_s: float | None = 50.0) -> dict[str, Any]:
    """The figures of all of them."""
    return listener_figures(run, read_listeners(run, tell_highlighting=True), session_wall_s)


def test_one_reader_is_told_apart_from_the_other(tmp_path: Path) -> None:
    """GIVEN two readers whose rows are mixed THEN each has their own blocks, waits, stalls and requests."""
    one, two = listeners(
        tmp_path,
        "101,10,tts,200,5,1.5,0,needed",
        play(102.5, 10, 1.5, "first:live"),
        "101,9,chunk,200,5,0.1,0,needed",
        play(101.2, 9, 0.2, "first:chunk"),
        play(110, 9, 0.25, "chunk"),
        play(120.26, 9, 0.26, "fallback"),
        play(130, 9, 0.0, "cache"),
        play(131, 9, 0.9, "asked:chunk"),
        plain(110, 9, 2.0, 200),
        plain(120.26, 9, 5.0, 0),
        "120,9,timings,404,5,0.1,0,first",
    )
    assert one == Listener(
        reader="9", began_s=1.0, first_audio_ms=200.0, chunk=3, live=0, cache=1, fallback=1, stalls=1,
        silence_s=0.26, asked=1, asked_wait_max_ms=900.0, timings_late=1, timings_too_late=1,
        unhighlighted_s=7.0, requests=2,
    )  # fmt: skip
    assert (two.reader, two.live, two.blocks, two.stalls, two.requests) == ("10", 1, 1, 0, 1)


@pytest.mark.parametrize(
    ("source", "waited_s", "stalls", "silence_s", "blocks"),
    [
        ("chunk", 3.0, 1, 3.0, 1),
        ("first:chunk", 3.0, 0, 0.0, 1),
        ("asked:chunk", 3.0, 0, 0.0, 1),
        ("never", 3.0, 1, 3.0, 0),
        ("first:never", 3.0, 0, 3.0, 0),
        ("asked:never", 3.0, 0, 3.0, 0),
        ("never", 0.25, 0, 0.0, 0),
    ],
)
def test_silence_is_a_stall_or_a_wait_for_nothing(
    tmp_path: Path, source: str, waited_s: float, stalls: int, silence_s: float, blocks: int
) -> None:
    """GIVEN a wait of each kind THEN only what broke the reading off is a stall, and what never came is silence."""
    (one,) = listeners(tmp_path, play(110, 1, waited_s, source))
    assert (one.stalls, one.silence_s, one.blocks) == (stalls, silence_s, blocks)


def test_who_heard_nothing_has_no_first_audio(tmp_path: Path) -> None:
    """GIVEN a reader who left while waiting for the first block THEN it is empty, not the time they waited."""
    (one,) = listeners(tmp_path, play(140, 1, 39.0, "first:never"))
    assert (one.began_s, one.first_audio_ms, one.silence_s) == (1.0, None, 39.0)


def test_who_skips_before_the_first_block_hears_the_one_skipped_to(tmp_path: Path) -> None:
    """GIVEN a reader who presses on twice while waiting THEN first audio is all of that time."""
    (one,) = listeners(
        tmp_path,
        play(103, 1, 2.0, "first:never"), play(103.1, 1, 0.1, "asked:never"), play(104, 1, 0.9, "asked:live"),
    )  # fmt: skip
    assert (one.first_audio_ms, one.asked, one.silence_s) == (3000.0, 2, 2.0)


def test_a_press_that_another_follows_at_once_is_no_wait(tmp_path: Path) -> None:
    """GIVEN presses given up after 0.1 s and after 4 s THEN the first tells nothing, the second of 4 s at least."""
    found = figures(folder(tmp_path, play(103, 1, 0.1, "asked:never"), play(110, 1, 4.0, "asked:never")))
    assert (found["asked_wait_p50_ms"], found["asked_wait_p95_ms"]) == (4000.0, 4000.0)


def test_who_only_asked_is_a_listener_too(tmp_path: Path) -> None:
    """GIVEN a reader with a request and no play THEN they have a line, and never wanted to hear anything."""
    (one,) = listeners(tmp_path, "101,1,tts,499,0,1.5,0,needed")
    assert (one.began_s, one.requests, one.blocks) == (None, 1, 0)


def test_highlighting_that_nobody_told_of_is_not_zero(tmp_path: Path) -> None:
    """GIVEN a run whose readers wrote no such rows THEN it is not known, and not nothing."""
    run = folder(tmp_path, play(110, 1, 0.0, "first:chunk"))
    (one,) = old = read_listeners(run, tell_highlighting=False)
    assert (one.timings_late, one.timings_too_late, one.unhighlighted_s) == (None, None, None)
    assert listener_figures(run, old, 50.0)["timings_too_late"] is None


def test_the_file_has_a_line_a_reader(tmp_path: Path) -> None:
    """GIVEN listeners THEN the file reads back as they are, empty where nothing is known, and nothing else is left."""
    felt = listeners(tmp_path, play(110, 2, 1.0, "first:live"), play(111, 11, 1.0, "first:never"))
    write_listeners(felt, tmp_path / "listeners.csv")
    with (tmp_path / "listeners.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["reader"] for row in rows] == ["2", "11"]
    assert tuple(rows[0]) == LISTENER_COLUMNS
    assert (rows[0]["first_audio_ms"], rows[1]["first_audio_ms"]) == ("1000.0", "")
    assert not list(tmp_path.glob("*.tmp"))


def test_the_figures_of_all_listeners(tmp_path: Path) -> None:
    """GIVEN three readers THEN first audio, presses, sources, stalls and silence are those of all of them."""
    run = folder(
        tmp_path,
        play(101, 0, 1.0, "first:live"), play(111, 0, 5.0, "live"), play(121, 0, 0.1, "cache"),
        play(102, 1, 2.0, "first:live"), play(112, 1, 0.5, "asked:live"), play(130, 1, 0.7, "asked:live"),
        play(150, 2, 50.0, "first:never"),
        "101,0,tts,200,5,1,0,needed", "101,1,tts,200,5,1,0,needed", "103,1,tts,200,5,1,0,needed",
    )  # fmt: skip
    found = figures(run)
    assert (found["first_audio_p50_ms"], found["first_audio_max_ms"]) == (2000.0, 50_000.0)
    assert (found["asked_wait_p50_ms"], found["asked_wait_p95_ms"]) == (600.0, 690.0)
    assert found["blocks_by_source"] == {"chunk": 0, "live": 5, "cache": 1, "fallback": 0}
    assert (found["blocks_played"], found["readers_heard"], found["readers_with_stalls"]) == (6, 2, 1)
    assert (found["stalls"], found["stall_s"], found["worst_reader_silence_s"]) == (1, 5.0, 50.0)
    assert found["requests_per_reader"] == 1
    # All three began when the load did and meant to stay 50 s: 55 s of silence in 150 s.
    assert found["silence_share"] == pytest.approx(55 / 150, abs=1e-4)


def test_the_share_of_silence_ends_with_the_load(tmp_path: Path) -> None:
    """GIVEN a load that was ended after 20 s THEN the time that nobody spent is not counted as heard."""
    run = folder(tmp_path, play(110, 0, 10.0, "first:live"), play(120, 0, 5.0, "never"), end_s=20.0)
    assert figures(run)["silence_share"] == pytest.approx(5 / 20)
    assert figures(run, None)["silence_share"] is None


def test_nobody_there_has_no_figures(tmp_path: Path) -> None:
    """GIVEN no rows THEN what nobody felt is not known, and the counts are what they were before: zero."""
    found = figures(folder(tmp_path))
    assert (found["blocks_played"], found["stalls"]) == (0, 0)
    assert {found[key] for key in ("readers_heard", "blocks_by_source", "silence_share")} == {None}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "first:", "asked:"]),
            st.sampled_from(["chunk", "live", "cache", "fallback", "never"]),
            st.floats(0, 600),
        )
    )
)
def test_no_wait_is_lost(rows: list[tuple[str, str, float]]) -> None:
    """Every wait is heard or not, has one reason, and what stalled is silent."""
    for before, source, late_s in rows:
        wait = wait_of(Request(1.0, "0", "play", 200, 0, None, late_s, before + source))
        assert wait == Wait({"": "next", "first:": "first", "asked:": "asked"}[before], source, late_s)  # type: ignore[arg-type]
        assert wait.heard == (source != "never")
        assert wait.silent or not wait.stalled
