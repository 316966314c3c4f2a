"""Our reader against a trace that was derived from the application's contract by hand."""

import csv
import heapq
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.actions import (
    FetchAudio,
    FetchTimings,
    Played,
    Result,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    WakeAt,
)
from loadtests.chapters import Block, Chapters, Voice
from loadtests.session import Session

HERE = Path(__file__).parent
TRACE = HERE / "data" / "contract-trace.json"
LOCUSTFILE = HERE.parents[1] / "loadtests" / "locustfile.py"
NAMES = ("live", "cached")
VOICE = Voice("alloy", 1.0)
PACE = 10.0
SLACK_S = 5.0
"""So many session seconds after the trace it is over: before the last block ends, so nothing more happens."""

Event = dict[str, Any]


def trace_of(name: str) -> dict[str, Any]:
    """One trace."""
    trace: dict[str, Any] = json.loads(TRACE.read_text(encoding="utf-8"))[name]
    return trace


def chapter_of(names: list[str]) -> tuple[Block, ...]:
    """Blocks whose text is their name."""
    return tuple(Block(int(name[0]), int(name[2]), name, f"hash of {name}") for name in names)


def request_of(action: FetchAudio | FetchTimings) -> tuple[str, str, str]:
    """What a request asks for: route, block and why."""
    block = f"{action.block.page}.{action.block.block_index}"
    if isinstance(action, FetchTimings):
        return action.route, block, "again" if action.repeat else "first"
    attempt = f":{action.attempt}" if action.attempt > 1 else ""
    return action.source, block, ("ahead" if action.ahead else "needed") + attempt


def answer_to(number: int, answer: Event) -> Result:
    """What the trace lets a request be answered with."""
    if "timings" in answer:
        return TimingsEnded(number, ok=answer["timings"])
    if "failed" in answer:
        return SpeechFailed(number, missing=answer["failed"] == 404)
    return SpeechArrived(number, 100_000, answer["speech_s"], "an MP3")


@pytest.mark.parametrize("name", NAMES)
def test_the_session_does_what_the_contract_says_when_it_says_it(name: str) -> None:
    """Each request and each block that plays, in order: its time, its route and why; and nothing else."""
    trace = trace_of(name)
    session = Session(
        chapter_of(trace["blocks"]),
        first=0,
        mode=trace["mode"],
        pace=1.0,
        session_s=trace["session_s"],
        seed="1:0",
        voices=(VOICE,),
    )
    expected, coming, order = iter(trace["events"]), list[tuple[float, int, Result]](), count()
    begins_t = -session._starts_after_s
    actions, now, wake_t = session.start(begins_t), begins_t, 0.0
    while not session.finished:
        for action in actions:
            if isinstance(action, WakeAt):
                wake_t = action.t
            elif isinstance(action, FetchAudio | FetchTimings):
                event = next(expected)
                assert (event.get("ask"), event.get("block"), event.get("why")) == request_of(action)
                assert [action.intended_t, now] == pytest.approx([event["t"], event["t"]])
                answer = answer_to(action.number, event["answer"])
                heapq.heappush(coming, (now + event["answer"]["after_s"], next(order), answer))
            elif isinstance(action, Played):
                event = next(expected)
                source = ("first:" if action.reason == "first" else "") + action.source
                assert (event.get("play"), event.get("from")) == (action.block.text, source)
                assert [action.at, action.waited_s] == pytest.approx([event["t"], event["waited_s"]])
        if coming and coming[0][0] < wake_t:
            now, _, result = heapq.heappop(coming)
            actions = session.arrived(now, result)
        else:
            now = wake_t
            actions = session.woke(now)
    assert list(expected) == []


@contextmanager
def scripted_server(name: str) -> Iterator[str]:
    """A server that answers as a trace says; its base URL."""
    command = [sys.executable, str(HERE / "scripted_server.py"), str(TRACE), name, str(PACE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.communicate(timeout=10)


def read(url: str, trace: dict[str, Any], folder: Path) -> list[dict[str, str]]:
    """Lets one reader read the trace's blocks through Locust; gives the rows in the order of their times."""
    chapters, rows = folder / "chapters.json", folder / "requests.csv"
    Chapters("d", "", 9, (VOICE,), "tts-1", (chapter_of(trace["blocks"]),)).save(chapters)
    command = [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(LOCUSTFILE),
        "--host",
        url,
        "--headless",
        "--users",
        "1",
    ]
    command += ["--chapters-file", str(chapters), "--mode", trace["mode"], "--pace", str(PACE)]
    command += ["--session-s", str(trace["session_s"] + SLACK_S), "--requests-file", str(rows)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    assert "Traceback" not in done.stderr
    with rows.open(encoding="utf-8") as file:
        return sorted(csv.DictReader(file), key=lambda row: float(row["t"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_reader_in_locust_sends_what_the_contract_says_in_that_order(name: str, tmp_path: Path) -> None:
    """Over real HTTP, ten times as fast: the same requests for the same reasons, the same blocks heard."""
    trace = trace_of(name)
    with scripted_server(name) as url:
        rows = read(url, trace, tmp_path)
        with requests.Session() as http:
            http.trust_env = False
            asked = [tuple(request) for request in http.get(f"{url}/asked", timeout=10).json()]
    events: list[Event] = trace["events"]
    sent = [(row["kind"], row["source"]) for row in rows if row["kind"] not in {"play", "unhighlighted"}]
    assert sent == [(event["ask"], event["why"]) for event in events if "ask" in event]
    heard = [row["source"] for row in rows if row["kind"] == "play"]
    assert heard == [event["from"] for event in events if "play" in event]
    for route in {route for route, _ in asked}:
        blocks = [block for other, block in asked if other == route]
        assert blocks == [event["block"] for event in events if event.get("ask") == route]
