"""The report of the options: its files, its page, its pictures and its command."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmarks.options_report import main, write_report
from benchmarks.options_runs import PLAN, read_runs
from profiles.heap_record import HeapRecord, save_heap
from tests.benchmarks.option_folders import CHILDREN_ONLY, KILLED, MIB, make_run

VOID = {"meta", "br", "link", "img", "input", "hr", "path", "use"}


class Page(HTMLParser):
    """What a browser would see: ids, addresses that lead elsewhere, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and what leads elsewhere."""
        self.open += [] if tag in VOID else [tag]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.outside += [
            value or ""
            for name, value in attrs
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith("#")
        ]

    def handle_endtag(self, tag: str) -> None:
        """Elements close in the order they were opened."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather what can be read."""
        self.text += data


def make_runs(folder: Path) -> Path:
    """Runs of three options at two balances, one of them on more vCPUs than there are cores, and a capture."""
    make_run(folder, "balance-500/live-1", KILLED)
    make_run(folder, "balance-500/live-2", KILLED, killed_after_s=25.3)
    make_run(folder, "balance-500/live-8gb-1", KILLED, vm_cpu=4.0, vm_memory_mb=8192.0, budget_mb=None)
    make_run(folder, "balance-500/cached-1", minute=2, scenario="<b>no markup</b>")
    make_run(folder, "balance-5/live-1", CHILDREN_ONLY, minute=4)
    heap = make_run(folder, "balance-500/live-memray-1", KILLED, minute=6)
    moments = [{"name": "end", "t_s": 31.1, "heap_bytes": 100 * MIB}]
    timeline = tuple((t, 30 * MIB, (60 + t) * MIB) for t in range(50))
    record = {"scenario": "live-memray", "capture": "heap.bin", "timeline": timeline, "moments": moments}
    save_heap(HeapRecord.model_validate(record), heap)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with these runs."""
    return make_runs(tmp_path / "options")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with its report: drawing it takes a second, and these tests only read it."""
    folder = make_runs(tmp_path_factory.mktemp("report") / "options")
    write_report(read_runs(folder), folder, "abc1234")
    return folder


def test_everything_is_written(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN runs THEN value, text, page, and each picture as SVG and PNG, one of memory for each balance."""
    assert main(["--out", str(out)]) == 0
    names = {path.name for path in out.iterdir() if path.is_file()}
    stems = ("peaks", "memory-balance-500", "memory-balance-5", "rss")
    assert names == {
        "options.json",
        "options.md",
        "options.html",
        *(f"{s}.{e}" for s in stems for e in ("svg", "png")),
    }
    assert capsys.readouterr().out == f"6 runs, 44 missing: {out}/options.md\n"


def test_a_report_may_go_elsewhere(out: Path, tmp_path: Path) -> None:
    """GIVEN another folder THEN all is there, its links lead to the runs, and nothing comes to the runs."""
    before = sorted(out.rglob("*"))
    elsewhere = tmp_path / "new" / "report"
    assert main(["--out", str(out), "--to", str(elsewhere), "--commit", "abc1234"]) == 0
    assert sorted(out.rglob("*")) == before
    assert json.loads((elsewhere / "options.json").read_text())["commits"] == ["abc1234"]
    (link,) = re.findall(r"\[All of it\]\((.*)\)", (elsewhere / "options.md").read_text())
    assert (elsewhere / link).parent.resolve() == out / "balance-500" / "live-memray-1"


def test_a_commit_that_was_told_once_is_remembered(tmp_path: Path) -> None:
    """GIVEN runs of which git knows nothing WHEN the commit was told THEN later reports have it, and a run's own."""
    make_run(tmp_path, "balance-500/cached-1")
    assert write_report(read_runs(tmp_path), tmp_path)["commits"] == ["unknown"]
    assert write_report(read_runs(tmp_path), tmp_path, "abc1234")["commits"] == ["abc1234"]
    assert write_report(read_runs(tmp_path), tmp_path)["commits"] == ["abc1234"]
    newer = make_run(tmp_path, "balance-500/cached-2") / "run.json"
    newer.write_text(json.dumps({**json.loads(newer.read_text()), "commit": "def5678"}))
    assert write_report(read_runs(tmp_path), tmp_path)["commits"] == ["abc1234", "def5678"]


def test_the_page_asks_nobody_for_anything(report: Path) -> None:
    """GIVEN a page THEN it is well formed, every id is there once, and only the captures are linked."""
    html = (report / "options.html").read_text()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.outside == ["balance-500/live-memray-1/heap.html"]
    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', html)) <= set(page.ids)
    assert not re.search(r"@import|url\((?!#)|<script|<link", html)
    assert html.count("<svg role=") == 4
    assert "#ffffff" not in html.split("</style>")[1]  # the pictures follow the page's theme


def test_text_and_page_say_the_same(report: Path) -> None:
    """GIVEN both THEN headline, notes, every cell and every condition are in each."""
    result = json.loads((report / "options.json").read_text())
    page = Page()
    page.feed((report / "options.html").read_text())
    tokens = MarkdownIt("commonmark").enable("table").parse((report / "options.md").read_text())
    words = " ".join(child.content for token in tokens for child in token.children or [])
    for said in (
        "2 of 2 killed after 31.1, 25.3 s",
        "1 of 1 lost children only, from 299.6 s",
        "server in 0 of 1; 17 children",
        "4,046",
        "Commit",
        "abc1234",
        "A VM of 4 vCPUs on a machine of 2 cores.",
        "44 of 50 runs are missing",
        "What held the server's heap",
        "RSS counts",
        "stand-in (espeak-ng)",
        "Up to 3 runs shared the machine's 2 cores",
    ):
        assert said in page.text
        assert said in words
    assert all(PLAN[entry["option"]] in page.text for entry in result["options"])


def test_pictures_are_the_same_bytes_again(report: Path, tmp_path: Path) -> None:
    """GIVEN the same runs again THEN the SVGs do not differ: a new report is no change where nothing changed."""
    write_report(read_runs(report), tmp_path / "again")
    pictures = {path.name: path.read_bytes() for path in report.glob("*.svg")}
    assert pictures == {path.name: path.read_bytes() for path in (tmp_path / "again").glob("*.svg")}


def test_pictures_name_what_they_show(report: Path) -> None:
    """GIVEN the pictures THEN ends, the star's meaning, options without a run and the highest peaks are in them."""
    over_time, peaks = (report / "memory-balance-500.svg").read_text(), (report / "peaks.svg").read_text()
    assert "2 of 2 killed after 31, 25 s" in over_time
    assert "option 1: 8 GB, 4 vCPUs on 2 cores" in over_time
    assert "1 of 1 survived, at most 50 MB" in over_time
    assert "* 4 vCPUs on 2 cores: a burst over so many could not be given" in peaks
    assert "not measured" in peaks
    assert "66 MB" in peaks
    assert "5.1 GB" in peaks


def test_captures_alone_make_a_report(tmp_path: Path) -> None:
    """GIVEN nothing but a run under memray, whose capture has no series THEN there is a report without a picture."""
    folder = make_run(tmp_path, "balance-500/cached-memray-1")
    save_heap(HeapRecord(scenario="cached-memray", capture="heap.bin"), folder)
    assert main(["--out", str(tmp_path)]) == 0
    assert not list(tmp_path.glob("*.svg"))
    assert "Nothing is known of the server's heap." in (tmp_path / "options.md").read_text()


def test_one_run_is_not_said_to_share_the_cores(tmp_path: Path) -> None:
    """GIVEN runs one after the other THEN no limit speaks of a crowd, and no note of vCPUs."""
    make_run(
        tmp_path,
        "balance-500/pregenerate-1",
        load_kind="pregenerate",
        peak_anon_mb=None,
        peak_tree_rss_mb=None,
    )
    write_report(read_runs(tmp_path), tmp_path)
    text = (tmp_path / "options.md").read_text()
    assert "shared the machine's" not in text
    assert "vCPUs on a machine" not in text
    assert "Runs at once: at most 1" in text


@pytest.mark.parametrize("broken", [True, False])
def test_nothing_to_report_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, broken: bool
) -> None:
    """GIVEN no run, or one that cannot be read THEN one line says what and where, and the exit code is 2."""
    if broken:
        make_run(tmp_path, "balance-500/live-1", stalls="many")
    assert main(["--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert ("verdict.json: stalls" if broken else "no finished run in it. Make some: make options.") in told
    assert not (tmp_path / "options.md").exists()


def test_a_folder_that_cannot_be_written_is_told(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a file where the report should go THEN one line says so."""
    assert main(["--out", str(out), "--to", str(out / "balance-500" / "live-1" / "run.json")]) == 2
    assert "run.json" in capsys.readouterr().err
