"""What the readers of a run heard: waits that ended in vain count, refusals are no latencies, an end has its words."""

from typing import Any

import pytest

from benchmarks.suite.listened import end_of, listened
from profiles.request_rows import Request
from profiles.verdict_record import VerdictRecord

SURVIVED = VerdictRecord(scenario="live", verdict="survived", mode="live", readers=3, stalls=0)


def _play(reader: int, source: str, waited_s: float) -> Request:
    status = 0 if source.endswith("never") else 200
    return Request(10.0, str(reader), "play", status, 0, None, waited_s, source)


def _asked(kind: str, status: int, latency_s: float) -> Request:
    return Request(10.0, "1", kind, status, 5, latency_s, 0.0, "needed")


def test_a_wait_in_vain_counts_with_what_was_waited() -> None:
    """GIVEN two readers who heard a block and one who did not THEN each counts, with the first wait only."""
    rows = [
        _play(1, "first:live", 2.5),
        _play(1, "live", 9.0),
        _play(2, "first:live", 4.0),
        _play(3, "first:never", 6.0),
    ]
    run = listened(rows, SURVIVED)
    assert run.first_ms == (2500.0, 4000.0, 6000.0)
    assert run.heard == 2
    assert (run.mode, run.readers, run.invalid) == ("live", 3, None)


def test_only_blocks_that_were_answered_have_a_latency() -> None:
    """GIVEN speech, a chunk, a refusal, a missing chunk and word timings THEN the first two are latencies."""
    rows = [
        _play(1, "first:live", 2.5),
        _asked("tts", 200, 3.0),
        _asked("chunk", 200, 0.004),
        _asked("tts", 503, 0.001),
        _asked("chunk", 404, 0.001),
        _asked("whisper", 200, 8.0),
    ]
    assert listened(rows, SURVIVED).block_ms == (3000.0, 4.0)


def test_a_run_that_measured_nothing_says_why() -> None:
    """GIVEN an invalid verdict THEN its first evidence is the reason; of a run where nobody sat down that is."""
    evidence = ("the load fell behind", "expected verdict = survived")
    invalid = SURVIVED.model_copy(update={"verdict": "invalid", "evidence": evidence})
    assert listened([_play(1, "first:live", 1.0)], invalid).invalid == "the load fell behind"
    assert listened([], SURVIVED).invalid == "nobody sat down"


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, "it survived"),
        ({"stalls": 3}, "it survived, 3 stalls"),
        (
            {"verdict": "oom_killed", "killed_after_s": 9.84, "oom_kills": 3, "server_kills": 1, "child_kills": 2},
            "the kernel killed server and 2 children after 9.8 s",
        ),
        (
            {"verdict": "oom_killed", "first_kill_s": 7.0, "oom_kills": 1, "child_kills": 1},
            "the kernel killed 1 child after 7.0 s",
        ),
        (
            {"verdict": "unhealthy", "evidence": ("no answer", "more"), "failures_by_status": {"503": 40, "0": 2}},
            "unhealthy: no answer, 40 requests refused",
        ),
    ],
)  # fmt: skip
def test_an_end_is_told_in_words(fields: dict[str, Any], end: str) -> None:
    """GIVEN how a run ended THEN its words say killed, refused, late or well."""
    assert end_of(SURVIVED.model_copy(update=fields)) == end
