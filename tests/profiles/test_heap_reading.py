"""Real captures of a tiny program are read on the run's own clock, however the program ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profiles.heap import report_heap
from profiles.heap_reading import read_run_heap
from profiles.heap_record import HeapRecord, read_heap
from profiles.run_folder import SAMPLE_COLUMNS

MIB = 2**20
PROGRAM = """
import json, os, signal, sys, time
ended, waves = sys.argv[1], int(sys.argv[2])
events = open("events.jsonl", "a", buffering=1)
kept, cache = [], {}

def tell(event, **facts):
    time.sleep(0.06)  # memray looks at the heap every 10 ms: a moment between two looks is none
    events.write(json.dumps({"t": time.monotonic(), "event": event, **facts}) + "\\n")
    time.sleep(0.06)

def leak():
    kept.append(bytearray(3 * 1024 * 1024))

def fill_cache():
    if "text" not in cache:
        cache["text"] = bytearray(5 * 1024 * 1024)

tell("load_started")
for wave in range(1, waves + 1):
    tell("wave_started", wave=wave)
    leak()
    fill_cache()
    for _ in range(2):
        bytearray(2 * 1024 * 1024)
    tell("wave_settled", wave=wave, quiet=True)
open("samples.csv", "a").write(f"{time.monotonic()},80000000,70000000,1,1,60000000,20000000,3\\n")
time.sleep(0.06)
if ended == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""
RUN = {
    "scenario": {"name": "tiny", "load": {"kind": "readers", "readers": 2}},
    "vm": {"memory_mb": 128},
    "memray": True,
}


def capture(folder: Path, ended: str, waves: int) -> Path:
    """A run folder with the real capture of the tiny program."""
    (folder / "tiny.py").write_text(PROGRAM)
    (folder / "run.json").write_text(json.dumps(RUN))
    (folder / "samples.csv").write_text(",".join(SAMPLE_COLUMNS[:8]) + "\n")
    begin = "import json, time; print(json.dumps({'t': time.monotonic(), 'event': 'capturing', 'wall_s': time.time()}))"
    said = subprocess.run([sys.executable, "-c", begin], capture_output=True, text=True, check=True).stdout
    (folder / "events.jsonl").write_text(said)
    command = [sys.executable, "-m", "memray", "run", "-q", "-o", "heap.bin", "tiny.py", ended, str(waves)]
    status = subprocess.run(command, cwd=folder, check=False).returncode
    assert status == (-signal.SIGKILL if ended == "killed" else 0)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of two waves that ended by itself."""
    return capture(tmp_path_factory.mktemp("whole"), "whole", 2)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture whose process got SIGKILL after its second wave."""
    return capture(tmp_path_factory.mktemp("killed"), "killed", 2)


def read(folder: Path) -> HeapRecord:
    """The heap of a run folder, read silently."""
    return read_run_heap(folder, lambda _: None)


def lines(record: HeapRecord) -> dict[str, int]:
    """What each own function held at the peak, in whole MiB."""
    held: Counter[str] = Counter()
    for site in record.sites:
        held[site.function] += site.bytes if site.file.endswith("tiny.py") else 0
    return {function: round(size / MIB) for function, size in held.items()}


@pytest.mark.parametrize("folder", ["whole", "killed"])
def test_the_peak_is_told_by_line_however_the_process_ended(
    folder: str, request: pytest.FixtureRequest
) -> None:
    """GIVEN 6 MiB leaked, 5 cached and 2 passing WHEN read THEN each stands at its own line."""
    record = read(request.getfixturevalue(folder))
    held = lines(record)
    assert (held["leak"], held["fill_cache"], held["<module>"]) == (6, 5, 2)
    assert record.ended_whole is (folder == "whole")
    assert record.peak_bytes is not None
    assert sum(site.bytes for site in record.sites) + record.other_sites_bytes == record.peak_bytes
    assert record.notes == ()


@pytest.mark.parametrize("folder", ["whole", "killed"])
def test_a_leak_grows_with_both_waves_and_a_cache_does_not(
    folder: str, request: pytest.FixtureRequest
) -> None:
    """GIVEN two waves of two sessions THEN the leak has grown by 1.5 MiB a session, and the cache has stopped."""
    waves = read(request.getfixturevalue(folder)).waves
    assert waves is not None
    found = {site.function: site for site in waves.sites}
    leak, cache = found["leak"], found["fill_cache"]
    assert (leak.course, cache.course) == ("grows", "stopped")
    assert leak.before_bytes == 0
    assert leak.after_2_bytes - leak.after_1_bytes == leak.after_1_bytes
    assert leak.bytes_per_session == pytest.approx(1.5 * MIB, rel=0.001)
    assert cache.bytes_per_session == 0
    assert waves.sessions == (2, 2)
    assert waves.quiet == (True, True)


def test_sessions_are_counted_from_their_rows_where_there_are_any(whole: Path, tmp_path: Path) -> None:
    """GIVEN rows of sessions in the second wave THEN what is told for each is by their number."""
    for name in ("heap.bin", "events.jsonl", "samples.csv", "run.json"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    events = [json.loads(line) for line in (whole / "events.jsonl").read_text().splitlines()]
    second = max(event["t"] for event in events if event["event"] == "wave_started")
    (tmp_path / "requests.csv").write_text("t,kind\n" + f"{second + 0.05},session\n" * 3)
    waves = read(tmp_path).waves
    assert waves is not None
    assert waves.sessions == (0, 3)
    assert next(s for s in waves.sites if s.function == "leak").bytes_per_session == pytest.approx(
        MIB, rel=0.001
    )


def test_the_heap_stands_beside_the_sample_of_its_moment(whole: Path) -> None:
    """GIVEN a sample at the end THEN the VM's fullest moment has the sample's figures and the heap of that time."""
    moment = read(whole).moment("vm_peak")
    assert moment is not None
    assert moment.heap_bytes == pytest.approx(11 * MIB, rel=0.1)
    assert (moment.anon_bytes, moment.server_rss_bytes, moment.children_rss_bytes) == (70e6, 60e6, 20e6)
    assert moment.children == 2
    assert moment.memray_rss_bytes is not None
    assert moment.t_s is not None
    assert 0 < moment.t_s < 60


def test_the_series_begins_before_the_load_and_ends_with_the_process(whole: Path) -> None:
    """Its times are the run's, its RSS is never less than what Python itself needs."""
    record = read(whole)
    times = [t for t, _, _ in record.timeline]
    assert times == sorted(times)
    assert record.captured_from_s == times[0]
    assert record.captured_to_s == times[-1]
    assert times[0] < 0 < times[-1]
    assert all(rss > 5 * MIB for _, _, rss in record.timeline)


def test_a_process_killed_in_its_first_wave_has_a_peak_and_says_why_no_more(tmp_path: Path) -> None:
    """GIVEN a server that ended after one wave THEN the peak is told, and that there is no second wave."""
    folder = capture(tmp_path, "killed", 1)
    events = (folder / "events.jsonl").read_text().splitlines()
    ended = json.loads(events[-1])["t"] + 0.1
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"t": ended, "event": "exited", "returncode": -9}) + "\n")
    record = read(folder)
    assert lines(record)["leak"] == 3
    assert record.waves is None
    assert record.no_waves is not None
    assert record.no_waves.startswith("the server ended in wave 1 ")
    assert [moment.name for moment in record.moments][-1] == "end"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty or missing"),
        (None, "empty or missing"),
        (b"no capture", "cannot be read to its end (The provided input file does not look like"),
        (b"\0" * 5000, "cannot be read to its end"),
    ],
)
def test_what_is_no_capture_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    """GIVEN an empty, missing or damaged file THEN a note says so, and everything else is not known."""
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    (tmp_path / "events.jsonl").write_text('{"t": 1.0, "event": "capturing", "wall_s": 5.0}\n')
    if content is not None:
        (tmp_path / "heap.bin").write_bytes(content)
    record = read(tmp_path)
    assert len(record.notes) == 1
    assert said in record.notes[0]
    assert "\n" not in record.notes[0]
    assert (record.peak_bytes, record.sites, record.moments, record.timeline) == (None, (), (), ())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_capture_cut_off_anywhere_yields_what_it_holds(killed: Path, tmp_path: Path, share: float) -> None:
    """GIVEN a part of a capture, as a full disk leaves it THEN nothing breaks, and what is there is told."""
    for name in ("events.jsonl", "samples.csv", "run.json"):
        (tmp_path / name).write_bytes((killed / name).read_bytes())
    content = (killed / "heap.bin").read_bytes().rstrip(b"\0")
    (tmp_path / "heap.bin").write_bytes(content[: int(len(content) * share)])
    record = read(tmp_path)
    assert record.peak_bytes is None or record.peak_bytes > 0
    assert record.sites or record.notes


def test_reading_that_takes_too_long_is_ended_and_said(whole: Path) -> None:
    """GIVEN no time at all THEN the reader is ended, and the note says after how long."""
    record = read_run_heap(whole, lambda _: None, within_s=0.0)
    assert record.notes == (
        "heap.bin: cannot be read to its end (took longer than 0 s). Nothing of it was read.",
    )


def test_a_clock_that_was_set_is_doubted(whole: Path, tmp_path: Path) -> None:
    """GIVEN a wall clock that was an hour off when the capture began THEN the times are called doubtful."""
    for name in ("heap.bin", "samples.csv", "run.json"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    events: list[dict[str, Any]] = [
        json.loads(line) for line in (whole / "events.jsonl").read_text().splitlines()
    ]
    events[0]["wall_s"] -= 3600
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    record = read(tmp_path)
    assert "The wall clock was set during the run: the capture's times are not the run's." in record.notes
    assert (record.waves, record.no_waves) == (None, "the wall clock was set during the run")


def test_waves_that_a_capture_did_not_see_to_their_end_are_unknown(whole: Path, tmp_path: Path) -> None:
    """GIVEN a capture that stops a minute before the second wave THEN nothing is said to have stopped growing."""
    for name in ("heap.bin", "samples.csv", "run.json"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    events: list[dict[str, Any]] = [
        json.loads(line) for line in (whole / "events.jsonl").read_text().splitlines()
    ]
    for event in events[1:]:
        event["t"] += 60
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    record = read(tmp_path)
    assert (record.waves, record.no_waves) == (None, "the capture ends before the last wave does")
    assert record.sites


def test_a_disk_that_was_full_is_told_in_memrays_words(whole: Path, tmp_path: Path) -> None:
    """GIVEN what memray says on a full disk THEN a note repeats it: the server went on without being captured."""
    for name in ("heap.bin", "samples.csv", "run.json", "events.jsonl"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    said = "Failed to grow output file heap.bin by 57344 bytes: No space left on device"
    (tmp_path / "server.log").write_text(f"serving\nMemray ERROR: {said}\nFailed to write output\n")
    assert read(tmp_path).notes == (f"The capture is not whole: {said}.",)


def test_the_servers_that_were_started_again_are_told(whole: Path, tmp_path: Path) -> None:
    """GIVEN captures of later servers THEN the first is read, and a note names the others."""
    for name in ("heap.bin", "samples.csv", "run.json", "events.jsonl"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    for name in ("heap.1.bin", "heap.2.bin"):
        (tmp_path / name).touch()
    (note,) = read(tmp_path).notes
    assert note == "This is the first server's heap; those started after it left heap.1.bin, heap.2.bin."


def test_a_run_whose_clock_nobody_noted_has_its_peak_all_the_same(whole: Path, tmp_path: Path) -> None:
    """GIVEN no note of the clock THEN the peak is told without a time, and why nothing stands beside it."""
    (tmp_path / "heap.bin").write_bytes((whole / "heap.bin").read_bytes())
    record = read(tmp_path)
    assert lines(record)["leak"] == 6
    assert [moment.t_s for moment in record.moments] == [None]
    assert record.notes == ("The capture's clock is not known, so it stands beside no sample.",)


@pytest.mark.slow
def test_a_run_has_its_heaps_report_picture_and_flame_graphs(killed: Path) -> None:
    """GIVEN a killed server's capture WHEN it is reported THEN all files are there, and none needs the network."""
    record = report_heap(killed, lambda _: None)
    assert record.notes == ()
    assert read_heap(killed) == record
    for name in (
        "heap.md",
        "heap.html",
        "heap.svg",
        "heap.png",
        "heap-flame.html",
        "heap-flame-over-time.html",
    ):
        assert (killed / name).stat().st_size > 0, name
    assert (record.flame_graph, record.flame_graph_over_time) == (
        "heap-flame.html",
        "heap-flame-over-time.html",
    )
    page = (killed / "heap.html").read_text()
    assert "tiny.py" in page
    assert "http" not in page.replace("http://www.w3.org", "")
