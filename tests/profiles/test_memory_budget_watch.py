"""The most that was held under a watch: of samples and the kernel's marks, and when nothing was measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from profiles.memory_budget_tree import Held, Look
from profiles.memory_budget_watch import FEWEST_SAMPLES, MeasuredNothingError, Peak, Watch
from profiles.vm_size import MIB

SERVER, WORKER = Held(1, "server", 30), Held(2, "worker", 50)


def _look(*held: Held, mark: Held | None = None) -> Look:
    return Look(held, mark)


def test_the_highest_sample_is_kept_with_its_time_and_who_held_it() -> None:
    """GIVEN samples that rise and fall THEN the peak is the highest, who held the most comes first."""
    peak = Peak().with_look(_look(SERVER), 1.0).with_look(_look(SERVER, WORKER), 2.0)
    after = peak.with_look(_look(Held(1, "server", 79)), 3.0)
    assert after == peak
    assert (peak.rss_bytes, peak.at_s, peak.held) == (80, 2.0, (WORKER, SERVER))


def test_the_kernels_mark_of_one_process_counts_where_it_is_above_all_samples() -> None:
    """GIVEN a mark above the sum THEN it is the peak; below it, the sample; a lower one changes nothing."""
    above, below = Held(2, "worker", 90), Held(2, "worker", 70)
    assert Peak().with_look(_look(SERVER, WORKER, mark=above), 1.0).rss_bytes == 90
    assert Peak().with_look(_look(SERVER, WORKER, mark=below), 1.0).rss_bytes == 80
    twice = Peak().with_look(_look(SERVER, mark=above), 1.0).with_look(_look(SERVER, mark=below), 2.0)
    assert twice.mark == above


def test_children_are_counted_at_once_and_not_in_all() -> None:
    """GIVEN two at once, then another THEN the most is two, when it was first seen."""
    peak = Peak().with_look(_look(SERVER), 1.0)
    assert (peak.children, peak.children_at_s) == (0, 0.0)
    peak = peak.with_look(_look(SERVER, WORKER, Held(3, "worker", 1)), 2.0)
    peak = peak.with_look(_look(SERVER, Held(4, "worker", 1)), 3.0)
    assert (peak.children, peak.children_at_s) == (2, 2.0)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be told to end."""
    command = [sys.executable, "-S", "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


@pytest.mark.slow
def test_a_watch_takes_samples_by_itself_and_a_last_one(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a running process THEN samples come without anybody asking, and its RSS is what the peak says."""
    watch = Watch(process.pid)
    watch.begin()
    while watch.samples < FEWEST_SAMPLES:
        assert watch._thread.is_alive()
        time.sleep(0.01)  # what a thread counts has no event to await
    watch.end()
    assert watch.samples > FEWEST_SAMPLES
    assert not watch._thread.is_alive()
    assert 1 < watch.peak_rss_mb == watch.peak.rss_bytes / MIB < 100


@pytest.mark.slow
def test_a_watch_that_is_too_short_measured_nothing(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a watch that ends at once THEN it says how few samples there are, and what to do."""
    watch = Watch(process.pid)
    watch.begin()
    with pytest.raises(MeasuredNothingError, match=r"^Only 2 samples in 0\.\d\d s .* repeat the call"):
        watch.end()


@pytest.mark.slow
def test_a_process_that_ends_under_the_watch_measured_nothing(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a process that is killed THEN every later question says that it is gone, how, and what it held."""
    watch = Watch(process.pid)
    watch.begin()
    process.kill()
    watch._thread.join()
    named = rf"process {process.pid} \(python\S* -S -c print\(flush=True\); input\(\)\)"
    told = rf"^The {named} was gone .*by SIGKILL.* at most \d+\.\d MB"
    for _ in range(2):
        with pytest.raises(MeasuredNothingError, match=told):
            watch.sample()
    with pytest.raises(MeasuredNothingError, match=told):
        watch.end()
    process.wait()
    with pytest.raises(MeasuredNothingError, match=rf"^There is no process {process.pid}\.$"):
        Watch(process.pid)


@pytest.mark.slow
def test_a_process_that_ends_before_the_first_sample_leaves_nothing_open(
    process: subprocess.Popen[bytes],
) -> None:
    """GIVEN a process that was there a moment ago WHEN the watch begins THEN it says so, and closes its files."""
    watch = Watch(process.pid)
    process.kill()
    process.wait()
    with pytest.raises(MeasuredNothingError, match=r"was gone 0\.\d s after"):
        watch.begin()
    assert watch._tree._listed.closed


@pytest.mark.slow
def test_a_process_that_waits_to_be_reaped_is_none(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a process that has ended, and whose parent does not know it yet THEN the message says how."""
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(MeasuredNothingError, match=rf"no process {process.pid}: it ended by SIGKILL"):
        Watch(process.pid)


@pytest.mark.slow
def test_a_watch_that_is_broken_off_says_what_was_held_until_then(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a test that failed under the watch THEN what was held is told; WHEN the process is gone THEN that too."""
    watch, other = Watch(process.pid), Watch(process.pid)
    watch.begin()
    other.begin()
    told = watch.broken_off()
    assert told.startswith(f"until then the process {process.pid} (")
    assert told.endswith(f"held at most {watch.peak_rss_mb:.1f} MB with all below it.")
    process.kill()
    assert "was gone" in other.broken_off()


def test_how_it_ended_is_awaited_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process whose memory is gone before its parent is told WHEN it is told THEN the message says how."""
    told = iter([None, None, "with status 7"])
    monkeypatch.setattr("profiles.memory_budget_watch.how_it_ended", lambda _: next(told))
    with pytest.raises(MeasuredNothingError, match=r"no process -5: it ended with status 7\.$"):
        Watch(-5)


def test_what_cannot_be_read_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process that this user may not see THEN the kernel's reason stands in the message."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "hidden from this user (hidepid)")

    monkeypatch.setattr("profiles.memory_budget_watch.BudgetTree", refuse)
    with pytest.raises(MeasuredNothingError, match=r"process 4711 cannot be read: hidden from this user"):
        Watch(4711)


def test_what_can_be_read_no_more_says_why_and_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a look that fails in the middle THEN the reason is told, and the process not called gone."""
    watch = Watch(os.getpid())

    def refuse() -> Look:
        raise OSError(5, "Input/output error")

    watch.sample()
    monkeypatch.setattr(watch._tree, "look", refuse)
    with pytest.raises(
        MeasuredNothingError, match=r"could not be read .* s after the watch began: Input/output"
    ):
        watch.sample()
    watch._tree.close()
