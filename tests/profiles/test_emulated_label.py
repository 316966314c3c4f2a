"""The word `emulated` on every page of a run whose limit a program kept, and on none of a real one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from profiles.capacity import Capacity
from profiles.capacity_outcome import Aim, Outcome
from profiles.capacity_report import print_capacities, write_capacity_report
from profiles.report import print_table, write_report
from profiles.verdict_record import VerdictRecord

MakeRun = Callable[..., Path]


@pytest.mark.parametrize("name", ["live", "cached"])
@pytest.mark.parametrize("backend", ["watchdog", "cgroup v1"])
def test_every_page_says_when_the_limit_was_emulated(
    make_run: MakeRun, tmp_path: Path, name: str, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a kill or none THEN terminal, Markdown, page and picture say `emulated` just where it was."""
    emulated = backend == "watchdog"
    folder = make_run(name, vm_emulated=emulated, vm_backend=backend)
    comparison = write_report([folder], tmp_path)
    print_table(comparison, Console(width=80))
    pages = {page: (tmp_path / page).read_text() for page in ("report.md", "report.html", "memory.svg")}
    pages["terminal"] = capsys.readouterr().out
    for page, text in pages.items():
        assert ("emulated" in text) is emulated, page
        if emulated:
            assert "by the kernel" not in text, page
            assert "to the kernel" not in text, page


@pytest.mark.parametrize("backend", ["watchdog", "cgroup v1"])
def test_every_page_of_a_search_says_so_too(
    tmp_path: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a search for the number of readers THEN its pages say `emulated` just where the limit was."""
    record = VerdictRecord(
        scenario="live", verdict="survived", readers=4, pace=5.0, vm_memory_mb=4096, vm_backend=backend,
        vm_emulated=backend == "watchdog", blocks_played=80, stalls=0, peak_tree_rss_mb=200.0,
    )  # fmt: skip
    found = [Capacity("live", Aim(), (Outcome("live-4", record, {}, "carried", 0.0, (), ""),))]
    write_capacity_report(found, tmp_path)
    print_capacities(found, Console(width=80))
    pages = {path.name: path.read_text() for path in (tmp_path / "capacity.md", tmp_path / "capacity.html")}
    pages["terminal"] = capsys.readouterr().out
    for page, text in pages.items():
        assert ("emulated" in text) is (backend == "watchdog"), page
