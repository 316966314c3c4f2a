"""The whole way, small: real server, real aligners, real speech, real readers, a real kernel kill, a report."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from profiles.machine import find_hierarchy
from profiles.run_folder import RunFolder
from profiles.walls import NAME_PREFIX

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SMALL = '[vm]\nmemory = "640MB"\n'
LOAD = "readers = 4\npace = 5\nsession_s = 60\nchapters = 1\nblocks = 4\n"
LIVE = f"""{SMALL}
[load]
mode = "live"
{LOAD}
[expect]
verdict = "oom_killed"
"""
CACHED = f"""{SMALL}
[target]
pregenerated = true
[target.environment]
ALIGNERS = "1"
[load]
mode = "cached"
{LOAD}
[expect]
verdict = "survived"
peak_tree_rss_mb_below = 200
stalls = 0
"""

Oomproof = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def oomproof(tmp_path: Path) -> Iterator[Oomproof]:
    """Start the command in the test's folder; however the test ends, no control group and no process of it is left."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "profiles.cli", *arguments]
        started.append(
            subprocess.Popen(
                [*command, "--fly-toml", str(ROOT / "fly.toml"), "--out", "out"],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield start
    assert groups_of(command.pid for command in started) == set()
    assert processes_in(tmp_path) == []


def groups_of(owners: Iterable[int]) -> set[str]:
    """The VMs of these processes."""
    tree = find_hierarchy().folders("")[0]
    return {path.name for owner in owners for path in tree.glob(f"{NAME_PREFIX}{owner}-*")}


def processes_in(folder: Path) -> list[list[str]]:
    """The commands of whatever runs in a folder: all that a command starts runs where it was started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
    return found


def scenario(folder: Path, name: str, text: str) -> str:
    """Write a scenario file and return its path."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_live_is_killed_where_cached_lives_and_a_report_says_so(tmp_path: Path, oomproof: Oomproof) -> None:
    """GIVEN a VM of 640 MB and four readers THEN live is killed by the kernel, and cached reads to the end."""
    live, cached = scenario(tmp_path, "live", LIVE), scenario(tmp_path, "cached", CACHED)
    with oomproof("compare", live, cached) as command:
        output, _ = command.communicate(timeout=300)
    assert command.returncode == 0, output
    comparison = json.loads((tmp_path / "out" / "comparison.json").read_text())
    found = {record["scenario"]: record for record in comparison["scenarios"]}
    assert found["live"]["verdict"] == "oom_killed"
    assert "reference_server.transcribe" in found["live"]["held_at_kill"]
    assert found["live"]["kernel_peak_vm_mb"] == pytest.approx(640, rel=0.02)
    assert found["pregenerate"]["verdict"] == "survived"
    assert found["cached"]["verdict"] == "survived"
    assert found["cached"]["blocks_played"] > 8
    assert found["cached"]["stalls"] == 0
    assert "Killed process" in (tmp_path / "out" / "report.md").read_text()
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()
    assert not list((tmp_path / "out").glob("work-*"))


def await_event(folder: Path, name: str, within_s: float = 90.0) -> None:
    """Return once a run has written an event of that name."""
    deadline = time.monotonic() + within_s
    while not any(event.event == name for event in RunFolder(folder).events):
        assert time.monotonic() < deadline, f"no {name} within {within_s} s"
        time.sleep(0.05)


def child(command: subprocess.Popen[str], word: str) -> psutil.Process:
    """The process that the command started with this word in its command line."""
    return next(process for process in psutil.Process(command.pid).children() if word in process.cmdline())


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda command: command.send_signal(signal.SIGINT), 130),
        (lambda command: command.send_signal(signal.SIGTERM), 130),
        (lambda command: child(command, "profiles.recorder").kill(), 4),
        (lambda command: child(command, "locust").kill(), 4),
    ],
    ids=["Ctrl-C", "SIGTERM", "recorder killed", "load killed"],
)
def test_an_interrupted_run_stops_everything_and_keeps_what_it_has(
    tmp_path: Path, oomproof: Oomproof, end: Callable[[subprocess.Popen[str]], None], status: int
) -> None:
    """GIVEN a run under load WHEN it, its recorder or its load is ended THEN its exit code says so; all is stopped."""
    with oomproof("run", scenario(tmp_path, "cached", CACHED.replace("pregenerated = true", ""))) as command:
        await_event(tmp_path / "out" / "cached", "load_started")
        assert groups_of([command.pid])
        assert len(processes_in(tmp_path)) >= 4  # the command, its recorder, the server, the load
        end(command)
        output, _ = command.communicate(timeout=60)
    assert command.returncode == status, output
    assert "Traceback" not in output
    assert RunFolder(tmp_path / "out" / "cached").samples


def test_a_document_that_is_none_is_one_line(tmp_path: Path, oomproof: Oomproof) -> None:
    """GIVEN a file that is no document THEN exit code 2 and a line that names it."""
    (tmp_path / "book.pdf").write_bytes(b"\x00 no document at all")
    path = scenario(tmp_path, "live", LIVE)
    with oomproof("run", path, "--document", "book.pdf") as command:
        output, _ = command.communicate(timeout=60)
    assert command.returncode == 2, output
    assert "book.pdf: The file is none of what can be read aloud." in output.splitlines()[-1]
