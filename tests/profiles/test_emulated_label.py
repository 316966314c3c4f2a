"""The word `emulated` on every page of a run whose limit a program kept, and on none of a real one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from profiles.report import print_table, write_report

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
