"""Trials as processes, with tiny programs in their place: order, number, ends of every kind, and none left."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from profiles.errors import EXIT_INVALID, EXIT_USAGE, OomproofError, RunError, Terminated
from profiles.gate import trial_processes
from profiles.gate.trial import Trial
from profiles.gate.trial_processes import TrialProcesses, log_of
from profiles.progress import Progress
from tests.profiles.gate.programs import MADE, Programs, use_programs
from tests.profiles.gate.test_trial import a_trial

ORDER = ["base-1", "head-1", "head-2", "base-2"]
WAITS = "note('pid ' + str(os.getpid()))\nforever()"


@dataclass
class Ran:
    """What runs trials, and what came of it."""

    programs: Programs
    out: Path
    shown: io.StringIO
    stale_removed: list[bool]

    def trial(self, name: str) -> Trial:
        """A trial of that name."""
        return replace(a_trial(), folder=self.out / "gate-cached" / name, store=self.out / "store")

    def run(
        self, names: list[str], at_once: int = 1, check: Callable[[], None] = lambda: None, **acts: str
    ) -> None:
        """Run trials of these names; what is not told to act otherwise makes its folder."""
        self.programs.acts.update({name.replace("_", "-"): act for name, act in acts.items()})
        progress = Progress(Console(file=self.shown, width=200))
        progress.stage("gate-cached")
        TrialProcesses(self.out, at_once, check, progress).run([self.trial(name) for name in names])

    @property
    def lines(self) -> list[str]:
        """What a person was told."""
        return self.shown.getvalue().splitlines()

    def left(self) -> list[int]:
        """The processes that waited for ever and are still there."""
        pids = [int(word.partition(" ")[2]) for word, _ in self.programs.noted if word.startswith("pid ")]
        return [pid for pid in pids if psutil.pid_exists(pid)]

    def until(self, *names: str, then: Callable[[], None]) -> Callable[[], None]:
        """A check that does something once all of these wait."""

        def check() -> None:
            if {("waits", name) for name in names} <= set(self.programs.noted):
                then()

        return check


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Programs in the place of trials, and no VM that could be stale."""
    (tmp_path / "out").mkdir()
    removed: list[bool] = []
    monkeypatch.setattr(trial_processes, "remove_stale", lambda: removed.append(True))
    return Ran(use_programs(monkeypatch, tmp_path / "programs"), tmp_path / "out", io.StringIO(), removed)


def test_they_run_in_the_order_given(ran: Ran) -> None:
    """GIVEN one at a time THEN each begins when the one before has ended, and leaves its folder and no log."""
    ran.run(ORDER)
    assert ran.programs.noted == [(word, name) for name in ORDER for word in ("begins", "ends")]
    assert sorted(path.name for path in (ran.out / "gate-cached").iterdir()) == sorted(ORDER)


def test_never_more_at_once_than_told(ran: Ran) -> None:
    """GIVEN two at a time, the first of which waits for the second THEN both run, and never a third beside them."""
    ran.run([*ORDER, "base-3", "head-3"], at_once=2, base_1=f"await_note('begins', 'head-1')\n{MADE}")
    assert ran.programs.most_at_once() == 2
    assert set(ran.programs.begun()[:2]) == {"base-1", "head-1"}
    assert len(ran.programs.begun()) == 6


def test_who_ends_first_makes_room_for_the_next(ran: Ran) -> None:
    """GIVEN a run that takes long THEN the others go on beside it, one after the other."""
    ran.run(ORDER, at_once=2, base_1=f"await_note('ends', 'base-2')\n{MADE}")
    assert [name for word, name in ran.programs.noted if word == "ends"] == [
        "head-1",
        "head-2",
        "base-2",
        "base-1",
    ]


def test_a_trial_is_told_what_it_is(ran: Ran) -> None:
    """GIVEN a trial THEN the file that its process is given tells of it, and its store's folder is there."""
    ran.run(["base-1"])
    told = (ran.out / "gate-cached-base-1.json").read_text()
    assert Trial.from_json(told) == ran.trial("base-1")
    assert (ran.out / "store").is_dir()


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_mistake_ends_all_with_its_line(ran: Ran, at_once: int) -> None:
    """GIVEN a run that ends for a mistake THEN the next never begins, what runs is stopped, and its line is raised."""
    mistake = "print('preparation: book.pdf: is no document.', file=sys.stderr)\nsys.exit(2)"
    ran.programs.acts = {"base-1": mistake}
    if at_once == 2:
        ran.programs.acts = {"base-1": WAITS, "head-1": f"await_note('waits', 'base-1')\n{mistake}"}
    with pytest.raises(OomproofError) as caught:
        ran.run(ORDER, at_once)
    name = "head-1" if at_once == 2 else "base-1"
    assert str(caught.value) == f"gate-cached: {name}: preparation: book.pdf: is no document."
    assert caught.value.exit_code == EXIT_USAGE
    assert len(ran.programs.begun()) == at_once
    assert ran.left() == []


def test_a_broken_run_is_told_and_left_to_be_judged(ran: Ran) -> None:
    """GIVEN a run that broke THEN why is told, in its log too, and the others go on."""
    ran.run(ORDER, base_1="folder.mkdir()\nprint('recorder: it ended early.')\nsys.exit(4)")
    assert ran.programs.begun() == ORDER
    assert "gate-cached: base-1: recorder: it ended early." in ran.lines
    assert log_of(ran.trial("base-1")).read_text() == "recorder: it ended early.\n"
    assert ran.stale_removed == []


def test_what_broke_before_there_was_a_run_ends_all(ran: Ran) -> None:
    """GIVEN a part that broke before there was a folder THEN its line is raised, and its exit code is kept."""
    with pytest.raises(RunError, match=r"^gate-cached: base-1: no free port\.$") as caught:
        ran.run(ORDER, base_1="print('no free port.')\nsys.exit(4)")
    assert caught.value.exit_code == EXIT_INVALID


def test_a_fault_of_ours_is_one_line_and_its_traceback_is_kept(ran: Ran) -> None:
    """GIVEN a trial with a bug THEN its last line is raised with the place of the traceback; nobody used it wrongly."""
    with pytest.raises(RunError) as caught:
        ran.run(ORDER, base_1="folder.mkdir()\nraise ValueError('no such thing.')")
    log = log_of(ran.trial("base-1"))
    assert str(caught.value) == f"gate-cached: base-1: ValueError: no such thing. See {log}."
    assert "Traceback" in log.read_text()


def test_what_a_good_run_said_is_told_too(ran: Ran) -> None:
    """GIVEN a run that was measured, with a warning THEN it stands there and in its log."""
    ran.run(["base-1"], base_1="folder.mkdir()\nprint('a warning')")
    assert "gate-cached: base-1: a warning" in ran.lines
    assert log_of(ran.trial("base-1")).exists()


def test_one_that_a_stranger_kills_is_judged_and_its_vm_removed(ran: Ran) -> None:
    """GIVEN a trial that is killed in the middle THEN its VM is removed, and the others go on."""
    ran.run(ORDER, base_1="folder.mkdir()\nos.kill(os.getpid(), signal.SIGKILL)")
    assert ran.programs.begun() == ORDER
    assert "gate-cached: base-1: ended by signal 9 (Killed), which nobody here sent." in ran.lines
    assert ran.stale_removed == [True]


def test_one_that_is_killed_before_its_run_ends_all(ran: Ran) -> None:
    """GIVEN a trial that is killed before it made its folder THEN there is nothing to judge."""
    with pytest.raises(RunError, match=r"base-1: ended by signal 9 \(Killed\)"):
        ran.run(ORDER, base_1="os.kill(os.getpid(), signal.SIGKILL)")


def test_one_that_was_told_to_end_ends_all(ran: Ran) -> None:
    """GIVEN a trial that somebody interrupted THEN the gate is interrupted: it has not what it was asked for."""
    with pytest.raises(Terminated):
        ran.run(ORDER, base_1="folder.mkdir()\nsys.exit(130)")
    assert ran.programs.begun() == ["base-1"]


def interrupt() -> None:
    """Ctrl-C, as the kernel sends it."""
    os.kill(os.getpid(), signal.SIGINT)


def terminate() -> None:
    """What the command makes of SIGTERM."""
    raise Terminated


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, though whoever started us in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hears_ctrl_c")
@pytest.mark.parametrize(
    ("stop", "error"), [(interrupt, KeyboardInterrupt), (terminate, Terminated)], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interruption_stops_what_runs(
    ran: Ran, stop: Callable[[], None], error: type[BaseException]
) -> None:
    """GIVEN two runs WHEN the gate is interrupted THEN both are gone, and the next never began."""
    check = ran.until("base-1", "head-1", then=stop)
    with pytest.raises(error):
        ran.run(ORDER, 2, check, base_1=WAITS, head_1=WAITS)
    assert sorted(ran.programs.begun()) == ["base-1", "head-1"]
    assert ran.left() == []
    assert ran.stale_removed == []


def test_all_are_told_to_end_before_one_is_waited_for(ran: Ran) -> None:
    """GIVEN two runs, each of which ends its VM as long as the other does THEN both have ended, and none was killed."""
    ends = """
    def end(*_):
        note("told")
        await_note("told", {other!r})
        sys.exit(130)
    signal.signal(signal.SIGTERM, end)
    forever()
    """
    check = ran.until("base-1", "head-1", then=terminate)
    with pytest.raises(Terminated):
        ran.run(ORDER, 2, check, base_1=ends.format(other="head-1"), head_1=ends.format(other="base-1"))
    assert {("told", "base-1"), ("told", "head-1")} <= set(ran.programs.noted)
    assert ran.stale_removed == []


def test_one_that_hangs_is_killed_and_its_vm_removed(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a trial that hears no SIGTERM WHEN the gate ends THEN it is killed, and the VM that it left is removed."""
    monkeypatch.setattr(trial_processes, "STOP_WITHIN_S", 0.05)
    check = ran.until("base-1", then=terminate)
    with pytest.raises(Terminated):
        ran.run(ORDER, 1, check, base_1=f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITS}")
    assert ran.left() == []
    assert ran.stale_removed == [True]


def test_without_the_speech_upstream_all_ends(ran: Ran) -> None:
    """GIVEN an upstream that ended THEN what it says is raised, and nothing runs any more."""

    def gone() -> None:
        raise RunError("speech upstream: it ended with status 1. See upstream.log.")

    with pytest.raises(RunError, match="speech upstream"):
        ran.run(ORDER, 1, ran.until("base-1", then=gone), base_1=WAITS)
    assert ran.left() == []


def test_nothing_to_run_is_nothing_done(ran: Ran) -> None:
    """GIVEN no trial THEN none begins, and nobody is told anything."""
    ran.run([])
    assert (ran.programs.begun(), ran.lines) == ([], [])


def test_a_log_says_what_goes_on(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no terminal THEN a line says which scenario, how many runs are done, whose go on, and about how long."""
    monkeypatch.setattr("profiles.progress.LOG_EVERY_S", 0.0)
    ran.run(ORDER, 2, base_1=f"await_note('ends', 'base-2')\n{MADE}")
    shown = ran.shown.getvalue()
    assert ran.lines[0] == "gate-cached: 0 of 4 runs done, base-1 and head-1 going on"
    assert re.search(
        r"^gate-cached: 1 of 4 runs done, base-1 and head-2 going on, about \d+ s left$", shown, re.MULTILINE
    )
    assert ran.lines[-1] == "gate-cached: 4 of 4 runs done"


@pytest.mark.parametrize(
    ("took_s", "elapsed_s", "told"),
    [
        ([], 20, ""),
        ([30, 30], 30, ", about 2 min left"),
        ([30, 30], 61, ", about 119 s left"),
        ([30, 32, 31, 31], 100, ", about 86 s left"),
        ([31] * 11, 200, ", about 0 s left"),
        ([31] * 12, 186, ""),
        ([60, 60], 60, ", about 5 min left"),
    ],
)
def test_how_long_it_takes_is_told_once_it_is_known(took_s: list[float], elapsed_s: float, told: str) -> None:
    """GIVEN twelve runs, two at once THEN what is left follows from those that ended, and is never below nothing."""
    assert trial_processes._left(took_s, 12, 2, elapsed_s) == told
