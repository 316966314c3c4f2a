"""Thresholds at exactly their value and just above it, and alarms that are told once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles.soak.alarms import FEWEST, Alarms, Thresholds, alarms_raised, excesses
from profiles.soak.moments import Moment
from profiles.soak.request_tail import Counts
from profiles.soak.window import Look, Window

MIB = 1024 * 1024


def window(*looks: Look, seconds: float = 60.0, begun_t: float = 0.0) -> Window:
    """A window of these looks."""
    found = Window(seconds, begun_t)
    for look in looks:
        found.add(look)
    return found


def look(
    t: float = 0.0,
    held_mb: float | None = 1.0,
    counts: Counts | None = None,
    restarts: int = 0,
    life: int = 0,
) -> Look:
    """A look."""
    held = None if held_mb is None else held_mb * MIB
    return Look(t, held, counts or Counts(), restarts, life)


def names(found: Window, most: Thresholds) -> list[str]:
    """The alarms that a window gives."""
    return [excess.alarm for excess in excesses(found, most)]


@pytest.mark.parametrize(
    ("one", "most", "exceeded"),
    [
        (look(held_mb=100), Thresholds(memory_mb=100), []),
        (look(held_mb=100 + 1 / MIB), Thresholds(memory_mb=100), ["memory"]),
        (look(held_mb=None), Thresholds(memory_mb=100), []),
        (look(counts=Counts(audio=100, failed=2)), Thresholds(failures=0.02), []),
        (look(counts=Counts(audio=100, failed=3)), Thresholds(failures=0.02), ["failures"]),
        (look(counts=Counts(audio=FEWEST - 1, failed=FEWEST - 1)), Thresholds(failures=0.02), []),
        (look(counts=Counts(audio=FEWEST, failed=FEWEST)), Thresholds(failures=0.02), ["failures"]),
        (look(counts=Counts(blocks=100, stalls=10)), Thresholds(stalls=0.1), []),
        (look(counts=Counts(blocks=100, stalls=11)), Thresholds(stalls=0.1), ["stalls"]),
        (look(restarts=0), Thresholds(), []),
        (look(restarts=1), Thresholds(), ["restarts"]),
        (look(restarts=2), Thresholds(restarts=2), []),
        (look(restarts=3), Thresholds(restarts=2), ["restarts"]),
        (look(held_mb=10**6, restarts=9), Thresholds(restarts=None), []),
    ],
)
def test_exactly_at_a_threshold_is_not_above_it(one: Look, most: Thresholds, exceeded: list[str]) -> None:
    """GIVEN one look WHEN it is at a threshold, and one more THEN only the latter is an alarm."""
    assert names(window(one), most) == exceeded


def test_what_left_the_window_counts_no_more() -> None:
    """GIVEN a restart a window ago, exactly THEN it is over; a moment less and it is not."""
    assert names(window(look(0, restarts=1), look(59.9)), Thresholds()) == ["restarts"]
    assert names(window(look(0, restarts=1), look(60)), Thresholds()) == []


def growing(mb_per_hour: float, *, until_t: float = 1800.0, lives: int = 1) -> Window:
    """Half an hour of looks, each server of which grows by so much."""
    found = Window(1800.0, 0.0)
    t = 0.0
    while t <= until_t:
        life = int(t * lives / (until_t + 1))
        found.add(look(t, 100 + mb_per_hour * t / 3600, life=life))
        t += 15.0
    return found


def test_growth_is_told_when_it_is_sure_and_a_window_long() -> None:
    """GIVEN 60 MB an hour THEN above 59, not above 60; and nothing before a whole window, or right after a restart."""
    assert names(growing(60), Thresholds(growth_mb_per_hour=59)) == ["growth"]
    assert names(growing(60), Thresholds(growth_mb_per_hour=60.001)) == []
    assert names(growing(60, until_t=1785), Thresholds(growth_mb_per_hour=1)) == []
    assert names(growing(60, lives=3), Thresholds(growth_mb_per_hour=1)) == []


def test_silence_is_a_whole_window_of_it() -> None:
    """GIVEN nothing told of memory THEN an alarm once a whole window is so, and none when one look of it is not."""
    silent = [look(t, None) for t in range(0, 61, 15)]
    assert names(window(*silent[:-1]), Thresholds()) == []
    assert names(window(*silent), Thresholds()) == ["silence"]
    assert names(window(*silent[:-1], look(60)), Thresholds()) == []


def test_an_alarm_is_written_when_it_begins_and_when_it_is_over(tmp_path: Path) -> None:
    """GIVEN three looks above a threshold and one below THEN two lines, on disk at once, and one alarm in all."""
    alarms, found = Alarms(tmp_path, Thresholds(memory_mb=100)), Window(30.0, 0.0)
    told = []
    for t, held_mb in ((0, 101), (15, 101), (30, 101), (45, 1), (60, 1)):
        found.add(look(t, held_mb))
        told.append([line["state"] for line in alarms.look(found, Moment(t, 1_800_000_000.0 + t))])
    alarms.close()
    assert told == [["raised"], [], [], [], ["over"]]
    lines = [json.loads(line) for line in (tmp_path / "alarms.jsonl").read_text().splitlines()]
    assert [(line["t"], line["alarm"], line["value"], line["limit"]) for line in lines] == [
        (0, "memory", 101, 100),
        (60, "memory", 101, 100),
    ]
    assert alarms_raised(tmp_path) == 1


def test_an_alarm_on_a_full_disk_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that is full when an alarm is raised THEN its line comes with the next look."""
    alarms, found = Alarms(tmp_path, Thresholds(memory_mb=100)), Window(30.0, 0.0)
    found.add(look(0, 101))
    with monkeypatch.context() as full:
        full.setattr("profiles.line_file.LineFile.append", lambda file, line: "No space left on device")
        assert len(alarms.look(found, Moment(0, 1_800_000_000.0))) == 1
    assert alarms_raised(tmp_path) == 0
    alarms.look(found, Moment(15, 1_800_000_015.0))
    assert alarms_raised(tmp_path) == 1
    alarms.close()


def test_a_window_of_days_holds_no_more_than_one_of_an_hour() -> None:
    """GIVEN three days of looks THEN the window has those of its own length."""
    found = Window(1800.0, 0.0)
    for number in range(3 * 24 * 240):
        found.add(look(number * 15.0))
    assert len(found._looks) == 120
