from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from profiles.comparison import compare
from profiles.report import print_table, write_report
from profiles.report_listeners import LISTENERS_TITLE, listener_rows
from profiles.report_table import table_rows
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]
VOID = {"meta", "br", "link", "img", "input", "hr", "path", "use"}


class Page(HTMLParser):
    """What a browser would see: ids, links to elsewhere, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and what is asked for from elsewhere."""
        self.open += [] if tag in VOID else [tag]
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith("#"):
                self.outside.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        """Elements close in the order they were opened."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather what can be read."""
        self.text += data


@pytest.fixture
def report(synthetic_runs: list[Path], tmp_path: Path) -> Path:
    """The folder of a written report of the three synthetic runs."""
    write_report(synthetic_runs, tmp_path / "new" / "report")
    return tmp_path / "new" / "report"


def test_all_files_are_written(synthetic_runs: list[Path], make_run: MakeRun, tmp_path: Path) -> None:
    """Four scenarios with thousands of samples have a page, a text, two pictures and their data."""
    folders = [*synthetic_runs, make_run("live-bounded", length_s=600.0)]
    comparison = write_report(folders, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["comparison.json", "memory.png", "memory.svg", "report.html", "report.md"]
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [record["scenario"] for record in saved["scenarios"]] == [o.scenario for o in comparison.outcomes]


def test_the_page_asks_nobody_for_anything(report: Path) -> None:
    """Well-formed, every id once, every reference inside, and no address that a browser would fetch."""
    html = (report / "report.html").read_text()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.outside == []
    assert len(page.ids) == len(set(page.ids))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', html))
    assert used <= set(page.ids)
    assert not re.search(r"@import|url\((?!#)|<script|<link", html)


def test_the_page_follows_the_readers_theme(report: Path) -> None:
    """Light and dark both have every colour, and the drawings have none of their own."""
    html = (report / "report.html").read_text()
    style, body = html.split("</style>")
    light, dark = style.split("prefers-color-scheme: dark")
    names = set(re.findall(r"var\(--([a-z]+)\)", html))
    assert names
    for name in names:
        assert f"--{name}: #" in light
        assert f"--{name}: #" in dark
    assert re.findall(r"#[0-9a-f]{6}\b", body) == []


def test_page_and_markdown_say_the_same(report: Path, synthetic_runs: list[Path]) -> None:
    """Every figure of the table stands in both."""
    page = Page()
    page.feed((report / "report.html").read_text())
    rendered = Page()
    rendered.feed(MarkdownIt().enable("table").render((report / "report.md").read_text()))
    texts = [" ".join(found.text.split()) for found in (page, rendered)]
    comparison = compare([RunFolder(folder) for folder in synthetic_runs])
    assert listener_rows(comparison)
    for label, cells in [*table_rows(comparison), *listener_rows(comparison)]:
        for part in (label, *cells):
            assert all(part in text for text in texts)
    for must in (
        "Killed process 4242",
        "stand-in",
        "int8",
        "aligns the text it knows",
        "page cache",
        "upper bound",
        LISTENERS_TITLE,
    ):
        assert all(must in text for text in texts)


def test_the_markdown_shows_the_picture_beside_it(report: Path) -> None:
    """The reference is relative and the file is there."""
    (target,) = re.findall(r"!\[[^\n]*\]\((.*?)\)", (report / "report.md").read_text())
    assert target == "memory.svg"
    assert (report / target).is_file()


@pytest.mark.parametrize(
    ("load_kind", "about", "vms"),
    [("command", "Memory of a server on a small VM", 1), ("none", "Memory of a server", 0)],
)
def test_a_report_of_another_server_says_nothing_of_readers(
    make_run: MakeRun, tmp_path: Path, load_kind: str, about: str, vms: int
) -> None:
    """GIVEN a load that reads nothing THEN title and limits are of a server; a VM is spoken of where one was made."""
    write_report([make_run("live", load_kind=load_kind)], tmp_path / "out")
    for file, title in (("report.md", f"# {about}\n"), ("report.html", f"<title>{about}</title>")):
        text = (tmp_path / "out" / file).read_text()
        assert title in text
        limits = text.split("What these numbers cannot tell")[1]
        assert "upper bound" in limits
        assert limits.count("The VM is a limit") == vms
        assert not re.search(r"speech|block|[Rr]eaders|Pace", limits)


def test_names_from_outside_are_text_not_markup(make_run: MakeRun, tmp_path: Path) -> None:
    """A process or scenario may be called anything; nothing of it becomes markup or breaks a table."""
    name = "<b>|`x`$a_b$"
    folder = make_run("cached", scenario=name, evidence=["````", "<script>alert(1)</script>"])
    write_report([folder], tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in html
    assert "<b>|" not in html
    cells = [
        line for line in (tmp_path / "out" / "report.md").read_text().splitlines() if line.startswith("| ")
    ]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in cells} == {3}


def test_a_run_with_nothing_but_a_verdict_is_reported(make_run: MakeRun, tmp_path: Path) -> None:
    """No samples, no events, no conditions: still a page, with an empty panel."""
    folder = make_run("live", verdict="invalid", met=False)
    for lost in ("samples.csv", "events.jsonl", "requests.csv", "run.json"):
        (folder / lost).unlink()
    comparison = write_report([folder], tmp_path / "out")
    assert comparison.outcomes[0].verdict == "invalid"
    assert "Invalid (live)" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("names", [["live"], ["live", "cached-to-the-letter", "live-bounded", "cached"]])
def test_the_table_fits_eighty_columns_without_colour(make_run: MakeRun, names: list[str]) -> None:
    """In a CI log every line is at most 80 wide, free of escapes, and no scenario is missing."""
    comparison = compare([RunFolder(make_run(name)) for name in names])
    console = Console(width=80, force_terminal=False, no_color=True)
    with console.capture() as captured:
        print_table(comparison, console)
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in captured.get()
    assert lines[0].startswith("As expected")
    assert LISTENERS_TITLE in lines
    table = "".join(line for line in lines if "verdict" in line)
    assert table.count("survived") + table.count("oom_killed") == len(names)
