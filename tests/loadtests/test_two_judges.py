"""The load's closing lines and a run's verdict say the same of the same rows, though neither knows the other.

Plain Locust has no run folder and no verdict, the verdict may not import the load: so what is a failure, a stall,
silence, a server that has gone or a generator that is saturated is written down twice, and held together here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.stats import RequestStats

from loadtests import saturation as of_load
from loadtests import tally as of_rows
from loadtests import watch
from loadtests.listener_stats import AFTER_A_PRESS, FIRST_AUDIO, LISTENER, STALL, ListenerStats
from loadtests.request_log import COLUMNS, Row
from loadtests.tally import Tally
from loadtests.watch import Sample
from profiles import generator, listeners, service
from profiles.generator import processes_of
from profiles.listener_figures import listener_figures
from profiles.listeners import read_listeners, wait_of
from profiles.request_figures import request_figures
from profiles.run_folder import RunFolder
from profiles.service import unserved

# To the last digit that the files have: what is finer is known to the load alone.
seconds = st.integers(0, 100_000).map(lambda ms: ms / 1000)
waits_s = st.one_of(
    st.sampled_from([0.0, 0.1, 0.25, 0.251, 1.0]), st.integers(0, 30_000).map(lambda ms: ms / 1000)
)
readers = st.integers(0, 4)
statuses = st.sampled_from([0, 200, 200, 200, 202, 206, 304, 404, 429, 499, 500, 503])


def audio_of(t: float, reader: int, kind: str, status: int, latency_s: float, source: str) -> Row:
    """A request for audio; only what was answered can be no speech."""
    source += ":unplayable" if status in (200, 202) and source == "ahead" else ""
    return Row(t, reader, "tts" if kind == "tts" else "chunk", status, 9, latency_s, 0.0, source)


def play_of(t: float, reader: int, source: str, waited_s: float) -> Row:
    """A block that began to play, or never did."""
    return Row(t, reader, "play", 0 if source.endswith("never") else 200, 0, None, waited_s, source)


audio = st.builds(
    audio_of, seconds, readers, st.sampled_from(["tts", "chunk"]), statuses, waits_s,
    st.sampled_from(["needed", "needed:2", "ahead"]),
)  # fmt: skip
# A stretch of success, or of failure, lets single rows at the end decide.
stretches = st.builds(lambda row, count: [row] * count, audio, st.sampled_from([1, 1, 1, 3, 100, 400]))
plays = st.builds(
    play_of, seconds, readers,
    st.sampled_from([reason + source for reason in ("", "asked:") for source in (*listeners.SOURCES, "never")]),
    waits_s,
)  # fmt: skip
dark = st.builds(
    lambda t, reader, status, late_s: Row(t, reader, "unhighlighted", status, 0, None, late_s, ""),
    seconds, readers, st.sampled_from([0, 200]), waits_s,
)  # fmt: skip


def as_told(rows: Sequence[Row]) -> list[Row]:
    """The rows as readers write them: until one has heard a block, every wait is for the first."""
    heard, told = set(), []
    for row in rows:
        if row.kind == "play" and row.reader not in heard:
            told.append(play_of(row.t, row.reader, f"first:{row.source.rpartition(':')[2]}", row.late_s))
            if row.status == 200:
                heard.add(row.reader)
        else:
            told.append(row)
    return told


late = st.integers(88_000, 100_000).map(lambda ms: ms / 1000)
runs = st.one_of(
    st.builds(
        lambda many, felt: as_told([row for rows in many for row in rows] + felt),
        st.lists(stretches, max_size=6),
        st.lists(st.one_of(plays, plays, dark), max_size=12),
    ),
    st.builds(
        lambda failures, others, kind, waited_s: as_told(
            [
                play_of(1.0, 9, "chunk", 0.1),
                *[audio_of(50.0, 9, "chunk", 200, 0.1, "needed")] * 400,
                *(audio_of(t, 9, kind, status, late_s, "needed") for t, status, late_s in failures),
                *(audio_of(t, 9, kind, status, late_s, "needed") for t, status, late_s in others),
                play_of(100.0, 9, "never", waited_s),
            ]
        ),
        st.lists(st.tuples(late, st.sampled_from([0, 404, 500]), waits_s), max_size=4),
        st.lists(
            st.tuples(late, st.sampled_from([200, 202, 404, 499]), st.sampled_from([0.1, 9.0])), max_size=1
        ),
        st.sampled_from(["tts", "tts", "chunk"]),
        st.sampled_from([0.0, 0.3, 9.8, 9.9, 10.0, 30.0]),
    ),
)


def tally_of(rows: Sequence[Row]) -> Tally:
    """The load's counts."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


@contextmanager
def folder_of(rows: Sequence[Row], span: tuple[float, float]) -> Iterator[RunFolder]:
    """A run folder with these rows, of a load that began and ended then."""
    with TemporaryDirectory() as name:
        path = Path(name)
        (path / "requests.csv").write_text(",".join(COLUMNS) + "\n" + "".join(row.line() for row in rows))
        events = zip(span, ("load_started", "load_ended"), strict=True)
        (path / "events.jsonl").write_text(
            "".join(json.dumps({"t": t, "event": event}) + "\n" for t, event in events)
        )
        yield RunFolder(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (of_rows.STALL_S, listeners.STALL_S),
        (of_rows.MOST_FAILED_SHARE, service.MOST_FAILED_SHARE),
        (of_rows.LAST_PART, service.LAST_SHARE),
        (of_rows.FEWEST_FAILED, service.FEWEST_FAILED),
        (of_load.CPU_WINDOW_S, generator.CPU_WINDOW_S),
        (of_load.MOST_CPU_SHARE, generator.MOST_CPU_SHARE),
        (of_load.MOST_LAG_S, generator.MOST_LAG_S),
        (of_load.MOST_LAGGED_SHARE, generator.MOST_LAGGED_SHARE),
        (of_load.LAGGED_ROWS_AT_LEAST, generator.FEWEST_LAGGED_ROWS),
        (of_load.MOST_OPEN_SHARE, generator.MOST_OPEN_SHARE),
    ],
)
def test_thresholds_are_the_same(one: float, other: float) -> None:
    """A number that is changed on one side has to be changed on the other."""
    assert one == other


@given(runs)
def test_both_say_the_same_of_what_readers_asked_and_heard(rows: list[Row]) -> None:
    """The same verdict and figures, over the same span: the load knows only its rows', the run its process's too."""
    tally = tally_of(rows)
    with folder_of(rows, (tally.begun_t or 0.0, tally.ended_t or 0.0)) as folder:
        told = read_listeners(folder, tell_highlighting=True)
        values = {**request_figures(folder), **listener_figures(folder, told, None)}
        reasons = unserved(folder, values)
        waits = [wait_of(row) for row in folder.requests if row.kind == "play"]
    # Where nothing was asked for, the run is `invalid` before anybody asks whether the server was well.
    nothing = not values["audio_requests"] and not values["blocks_played"]
    assert (tally.unwell() is None) == (not reasons and not nothing)
    assert (tally.audio_requests, tally.audio_failures) == (
        values["audio_requests"],
        values["audio_failures"],
    )
    assert (tally.heard, tally.stalls) == (values["readers_heard"] or 0, values["stalls"])
    assert {source: tally.blocks[source] for source in listeners.SOURCES} == (
        values["blocks_by_source"] or dict.fromkeys(listeners.SOURCES, 0)
    )
    assert tally.timings_too_late == (values["timings_too_late"] or 0)
    assert math.isclose(tally.silence_s, sum(listener.silence_s for listener in told), abs_tol=0.01)
    stats = RequestStats()
    felt = ListenerStats(stats)
    for row in rows:
        felt.add(row)
    assert {name: stats.get(name, LISTENER).num_requests for name in (FIRST_AUDIO, AFTER_A_PRESS, STALL)} == {
        FIRST_AUDIO: sum(wait.reason == "first" and (wait.heard or wait.silent) for wait in waits),
        AFTER_A_PRESS: sum(wait.reason == "asked" and (wait.heard or wait.silent) for wait in waits),
        STALL: values["stalls"],
    }


@given(runs, st.integers(1, 3))
def test_workers_counts_together_say_what_one_process_says(rows: list[Row], workers: int) -> None:
    """However the rows are shared out, and whatever the order in which they came."""
    shares = [rows[::-1][worker::workers] for worker in range(workers)]
    total = Tally.together(Tally.from_json(tally_of(share).to_json()) for share in shares)
    assert total.unwell() == tally_of(rows).unwell()


samples = st.builds(
    lambda gap_s, cpu_share, lag_s, files, at_work: (gap_s, cpu_share, lag_s, files, at_work),
    st.sampled_from([1.0, 1.0, 1.001, 2.5, 9.5]),
    st.sampled_from([0.1, 0.9, 0.9, 0.91, 1.0]),
    st.sampled_from([0.0, 0.0, 0.5, 0.5001, 3.0]),
    st.sampled_from([10, 949, 949, 950]),
    st.sampled_from([0, 1, 9]),
)
series = st.lists(st.tuples(samples, st.sampled_from([1, 1, 3, 12, 300])), max_size=5)


def series_of(
    process: int, drawn: Sequence[tuple[tuple[float, float, float, int, int], int]]
) -> list[Sample]:
    """The samples of a process: stretches of seconds that are alike."""
    found, t_ms, cpu_ms = [], 0, 0
    for (gap_s, cpu_share, lag_s, files, at_work), count in drawn:
        for _ in range(count):
            t_ms += round(gap_s * 1000)
            cpu_ms += round(gap_s * 1000 * cpu_share)
            found.append(Sample(t_ms / 1000, process, cpu_ms / 1000, lag_s, 10**6, files, 1000, at_work))
    return found


def resource_of(reason: str) -> str:
    """Which process lacks what, whatever the words."""
    process = reason.partition("process ")[2].split()[0]
    return process + next(word for word in (" of a core", " behind ", " open") if word in reason)


@given(st.lists(series, min_size=1, max_size=2))
def test_both_find_the_same_generators_saturated(
    drawn: list[list[tuple[tuple[float, float, float, int, int], int]]],
) -> None:
    """Of each process the same resources, from the same samples."""
    processes = [series_of(process, each) for process, each in enumerate(drawn)]
    said = []
    for process, each in enumerate(processes):
        judge = of_load.Saturation(process)
        for sample in each:
            judge.add(sample)
        said += judge.reasons()
    with TemporaryDirectory() as name:
        lines = "".join(sample.line() for each in processes for sample in each)
        (Path(name) / "generator.csv").write_text(",".join(watch.COLUMNS) + "\n" + lines)
        found = generator.saturation(processes_of(RunFolder(Path(name))))
    assert sorted(map(resource_of, found)) == sorted(map(resource_of, said))
