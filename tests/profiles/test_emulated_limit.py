import signal
from pathlib import Path

import pytest

from profiles.emulated_limit import DIES_WITHIN_S, FORK_BORROWS_S, EmulatedLimit
from profiles.event_log import EventLog
from profiles.process_stat import ProcessStat
from profiles.process_tree import ProcessTree
from profiles.run_folder import Event, RunFolder

LIMIT = 100 * 1024


class Guarded:
    """A limit of 100 kB around made-up processes; `killed` are those that were."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.proc = root, root / "proc"
        self.killed: list[int] = []
        self.not_ours: set[int] = set()
        self.living: list[ProcessStat] = []
        tree = ProcessTree(root / "members", self.proc)
        monkeypatch.setattr(tree, "send", self._send)
        monkeypatch.setattr(tree, "is_root", lambda pid: pid == 100)
        self.limit = EmulatedLimit(tree, LIMIT, EventLog(root), self.proc)

    def _send(self, process: ProcessStat, number: signal.Signals) -> bool:
        assert number == signal.SIGKILL
        if process.pid in self.not_ours:
            return False
        self.killed.append(process.pid)
        return True

    def add(
        self, pid: int, anon_kb: int, *, file_kb: int = 0, adjustment: int = 0, fork: bool = False
    ) -> None:
        """A process that holds so much."""
        folder = self.proc / str(pid)
        folder.mkdir(parents=True)
        text = (
            f"Name:\tp{pid}\nVmRSS:\t{anon_kb + file_kb} kB\nRssAnon:\t{anon_kb} kB\nRssFile:\t{file_kb} kB\n"
            "RssShmem:\t0 kB\nVmPTE:\t0 kB\nVmSwap:\t0 kB\n"
        )
        (folder / "status").write_text(text)
        (folder / "oom_score_adj").write_text(str(adjustment))
        (folder / "cmdline").write_bytes(b"/usr/bin/worker\0--fast\0")
        self.living.append(ProcessStat(pid, 1, 1, 1, is_zombie=False, waited_cpu_s=0.0, is_fork=fork))

    def end(self, pid: int) -> None:
        """It is gone."""
        self.living = [process for process in self.living if process.pid != pid]

    def check(self, t: float = 0.0) -> list[int]:
        """Look once; return whom it has killed by then."""
        self.limit.check(t, self.living)
        return self.killed

    def events(self) -> list[Event]:
        """The kills written down."""
        return RunFolder(self.folder).named("oom_kill")


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    """A limit with nobody inside yet."""
    return Guarded(tmp_path, monkeypatch)


def test_at_the_limit_all_live_and_a_kilobyte_above_it_one_dies(guarded: Guarded) -> None:
    """GIVEN exactly the limit THEN nobody is killed; one kB more, and one is. Page cache counts for nothing."""
    guarded.add(100, 60, file_kb=500)
    guarded.add(101, 40)
    assert guarded.check() == []
    assert guarded.limit.held_bytes == LIMIT
    guarded.add(102, 1)
    assert guarded.check() == [100]
    assert guarded.limit.kills == 1


def test_a_fork_that_is_about_to_start_a_program_holds_nothing_of_its_own(guarded: Guarded) -> None:
    """GIVEN a server that forks WHEN both seem to hold the same THEN it counts once; a worker that stays counts."""
    guarded.add(100, 80)
    guarded.add(101, 80, fork=True)
    assert guarded.check(5.0) == []
    assert guarded.limit.held_bytes == 80 * 1024
    assert guarded.check(5.0 + FORK_BORROWS_S - 0.1) == []
    assert guarded.check(5.0 + FORK_BORROWS_S) == [100]


def test_the_owner_is_not_counted_while_it_starts_the_server(guarded: Guarded) -> None:
    """GIVEN a root that has not started its program WHEN that takes long THEN its owner's memory is nobody's."""
    guarded.add(100, 500, fork=True)
    assert guarded.check(0.0) == []
    assert guarded.check(10 * FORK_BORROWS_S) == []
    assert guarded.limit.held_bytes == 0


def test_the_largest_dies_unless_it_is_spared(guarded: Guarded) -> None:
    """GIVEN oom_score_adj THEN it counts: who is spared lives, who is offered up dies first."""
    guarded.add(100, 90, adjustment=-1000)
    guarded.add(101, 20)
    guarded.add(102, 5, adjustment=900)
    assert guarded.check() == [102]


def test_where_all_are_spared_nobody_dies(guarded: Guarded) -> None:
    """GIVEN nobody who may be killed THEN the limit is passed, and nothing breaks."""
    guarded.add(100, 200, adjustment=-1000)
    assert guarded.check() == []


def test_who_is_not_ours_to_kill_is_passed_over(guarded: Guarded) -> None:
    """GIVEN a largest process that changed its user THEN the next one dies."""
    guarded.add(100, 90)
    guarded.add(101, 20)
    guarded.not_ours.add(100)
    assert guarded.check() == [101]
    assert [event.facts["pid"] for event in guarded.events()] == [101]


def test_one_at_a_time(guarded: Guarded) -> None:
    """GIVEN a victim that takes its time THEN the next waits for it, but not for ever."""
    guarded.add(100, 300)
    guarded.add(101, 200)
    assert guarded.check(0.0) == [100]
    assert guarded.limit.waits
    assert guarded.check(DIES_WITHIN_S - 0.1) == [100]
    assert guarded.check(DIES_WITHIN_S + 0.1) == [100, 101]
    guarded.end(100)
    guarded.end(101)
    assert guarded.check(6.0) == [100, 101]
    assert not guarded.limit.waits


def test_the_kill_is_written_down_as_emulated(guarded: Guarded) -> None:
    """GIVEN a kill THEN its event says who, how much, what else held memory, and that it was no kernel."""
    guarded.add(100, 90)
    guarded.add(101, 2048)
    guarded.check(5.0)
    (event,) = guarded.events()
    assert (event.t, event.facts["pid"], event.facts["comm"]) == (5.0, 101, "p101")
    assert (event.facts["role"], event.facts["anon_rss_mb"]) == ("child", 2.0)
    assert (event.facts["emulated"], event.facts["whole_machine"]) == (True, False)
    assert event.facts["over_mb"] == 2.0
    assert event.facts["held"] == {
        "server": {"processes": 1, "rss_mb": 0.1},
        "worker": {"processes": 1, "rss_mb": 2.0},
    }
    assert "emulated" in event.text("line")
    assert "not the kernel" in event.text("line")
