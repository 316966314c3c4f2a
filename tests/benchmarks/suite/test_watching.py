"""What watching costs, as the suite tells it."""

from pathlib import Path

import pytest

from benchmarks.suite import capture_reading, traced, watching
from benchmarks.suite.measured import Effort, Figure, Measured
from benchmarks.suite.rounds import Rounds
from benchmarks.watched_target import Cost, Window
from profiles.errors import OomproofError

SETTING = "10 samples a second, 1 process"
SUBJECTS = (watching.NOBODY, watching.RECORDER, *watching.POLLERS)


def window(p50_us: float, cost: Cost | None = None) -> Window:
    """A window of a hundred latencies, one of them ten times the others."""
    return Window([p50_us] * 98 + [10 * p50_us] * 2, cost)


def figures() -> tuple[Figure, ...]:
    """Two rounds in which the recorder takes half as much CPU as psutil, and the target is slower by a tenth."""
    rounds = Rounds()
    for number in (1, 2):
        for subject in SUBJECTS:
            share = 0.01 if subject == watching.RECORDER else 0.02
            cost = None if subject == watching.NOBODY else Cost(share, 1e5 * share, 20.0)
            watching._add(rounds, subject, SETTING, window(number * (110 if cost else 100), cost))
    return rounds.figures()


def test_what_is_compared_is_of_the_same_round() -> None:
    """GIVEN two rounds, one twice as slow as the other THEN the ratios are the same in both."""
    found = {
        (ratio.quantity, ratio.subject, ratio.peer): ratio.values
        for ratio in watching.recorder_ratios(figures())
    }
    assert found[watching.CPU, watching.RECORDER, "psutil memory_info"] == (0.5, 0.5)
    assert found[watching.P99, watching.RECORDER, watching.NOBODY] == pytest.approx((1.1, 1.1))
    assert found[watching.P99, "psutil memory_full_info", watching.NOBODY] == pytest.approx((1.1, 1.1))


def test_nobody_costs_nothing_that_is_told() -> None:
    """GIVEN windows without a watcher THEN they have latencies, and no CPU, which would be none of anybody."""
    told = {figure.quantity for figure in figures() if figure.subject == watching.NOBODY}
    assert told == {watching.P50, watching.P99}


def test_megabytes_are_a_million_bytes() -> None:
    """GIVEN a watcher with 20 MiB THEN 20.97 MB are told."""
    (found,) = (f for f in figures() if (f.subject, f.quantity) == (watching.RECORDER, watching.RSS))
    assert found.median == pytest.approx(20.97152)


def test_a_machine_without_vms_says_so_and_measures_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN a machine that makes no VM THEN the case has no figure of the recorder, a note why, and the other parts."""

    def no_vm(_: int) -> None:
        raise OomproofError("needs root. Run it with sudo.")

    parts = list[str]()

    def no_capture(*_: object) -> dict[str, Path]:
        parts.append("traced")
        return {}

    monkeypatch.setattr(watching, "target", no_vm)
    monkeypatch.setattr(traced, "measure_traced", no_capture)
    monkeypatch.setattr(capture_reading, "measure_reading", lambda *_: parts.append("reading"))
    found = watching.measure(Effort(full=False), tmp_path, lambda _: None)
    assert (found.figures, found.ratios) == ((), ())
    assert (
        "Recorder: not measured, for this machine makes no VM: needs root. Run it with sudo." in found.notes
    )
    assert parts == ["traced", "reading"]


@pytest.mark.slow
@pytest.mark.kernel
def test_a_real_target_is_watched_by_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN a real server in a VM WHEN a round of short windows is taken THEN every watcher has cost and latencies."""
    monkeypatch.setattr(watching, "PROCESSES", (2,))
    monkeypatch.setattr(Effort, "of", lambda _, short, __: 1 if isinstance(short, int) else short)
    found = _only_the_recorder(monkeypatch, tmp_path)
    assert {figure.subject for figure in found.figures} == set(SUBJECTS)
    shares = {f.subject: f.median for f in found.figures if f.quantity == watching.CPU}
    assert shares.keys() == {watching.RECORDER, *watching.POLLERS}
    assert all(0 < share < 1 for share in shares.values())
    assert all(value > 0 for figure in found.figures for value in figure.values)


def _only_the_recorder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Measured:
    monkeypatch.setattr(traced, "measure_traced", lambda *_: {})
    monkeypatch.setattr(capture_reading, "measure_reading", lambda *_: None)
    return watching.measure(Effort(full=False), folder, lambda _: None)
