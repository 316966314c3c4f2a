"""Case 2, small."""

import os
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import peers, slow_listeners
from benchmarks.suite.held_streams import Held
from benchmarks.suite.measured import Effort, Figure
from benchmarks.suite.peers import FILE_RESPONSE, OURS
from benchmarks.suite.rounds import Rounds
from benchmarks.suite.stream_promises import A_STREAM, IN_ALL, OPEN, setting_of

HELD = Held(
    open=1000,
    late=2,
    rss_before_bytes=50_000_000,
    rss_bytes=68_000_000,
    rss_most_bytes=70_000_000,
    kernel_bytes=100_000_000,
    cpu_share=0.25,
    failures=("Connection reset by peer",),
)


def test_what_was_held_is_told_a_stream_and_in_all() -> None:
    """GIVEN 1,000 streams over 50 MB THEN each has its share of what came on top, and failures are told."""
    rounds = Rounds()
    notes = slow_listeners._add(HELD, rounds, OURS, 1000)
    found = {one.quantity: (one.median, one.unit) for one in rounds.figures()}
    assert found == {
        A_STREAM: (18.0, "kB"),
        IN_ALL: (70.0, "MB"),
        slow_listeners.CPU: (0.25, "1"),
        OPEN: (1000, "1"),
        "late streams": (2, "1"),
        "kernel's buffers a stream": (100.0, "kB"),
    }
    assert notes == ["oomproof, 1,000 streams: some failed: Connection reset by peer."]


def test_nothing_is_compared_with_what_is_not_above_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a peer whose memory did not grow THEN there is no ratio to it, and there is one of CPU."""
    monkeypatch.setattr(slow_listeners, "STREAMS", (1000,))
    figures = [
        Figure(subject, setting_of(1000), quantity, "", (value,))
        for subject, quantity, value in [
            (OURS, A_STREAM, 18.0),
            (OURS, slow_listeners.CPU, 0.2),
            (FILE_RESPONSE, A_STREAM, 0.0),
            (FILE_RESPONSE, slow_listeners.CPU, 0.4),
        ]
    ]
    (ratio,) = slow_listeners._ratios(figures, [FILE_RESPONSE])
    assert (ratio.quantity, ratio.values) == (slow_listeners.CPU, (0.5,))


def refuse(_tell: object) -> str:
    """Nothing can be installed."""
    raise BenchmarkError("not here")


@pytest.mark.slow
def test_the_case_holds_streams_open_and_judges(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN 20 listeners, and no peer but FileResponse WHEN it is measured THEN all stay open and are told."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only")
    monkeypatch.setattr(peers, "find_nginx", refuse)
    monkeypatch.setattr(peers, "peer_packages", refuse)
    monkeypatch.setattr(slow_listeners, "_BLOCKS", 2)
    monkeypatch.setattr(slow_listeners, "STREAMS", (20,))
    monkeypatch.setattr(slow_listeners, "OPEN_FILES", 100)
    measured = slow_listeners.measure(Effort(full=False), tmp_path, lambda _: None)
    found = {(one.subject, one.quantity): one.median for one in measured.figures}
    for name in (OURS, FILE_RESPONSE):
        assert found[name, OPEN] == 20
        assert found[name, IN_ALL] > 0
        assert found[name, "kernel's buffers a stream"] > 0
    assert len(measured.promises) == 2
    assert measured.promises[1].holds is True
    assert not any("failed" in note for note in measured.notes)
