"""A capacity report from made-up runs: its words, its pages and its picture. No figure here was measured."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from PIL import Image
from rich.console import Console

from profiles.capacity import Capacity, exit_code
from profiles.capacity_limits import Passed
from profiles.capacity_outcome import Aim, Outcome
from profiles.capacity_panel import draw_capacity
from profiles.capacity_report import print_capacities, write_capacity_report
from profiles.capacity_search import Plan
from profiles.capacity_text import headline, reasons, result, told
from profiles.plot_style import STYLE, new_figure
from profiles.verdict_record import VerdictRecord

AIM = Aim(plan=Plan(4, 16))
KILL = Passed("memory", 24.3, "the kernel killed the server after 24.3 s")
BUSY = Passed("CPU", 9.0, "6 stalls, 5.0% of the blocks, too many after 9.0 s, while the VM used 1.90 CPUs")
RUN: dict[str, Any] = {
    "scenario": {"load": {"chapters": 8, "blocks": 20, "seed": 1}, "target": {"environment": {}}},
    "machine": {"cpu_model": "Invented CPU", "cpus": 2},
    "started_at": "2026-11-23T01:00:00+00:00",
    "ended_at": "2026-11-23T01:02:20+00:00",
}


def one(scenario: str, readers: int, *passed: Passed, **changes: Any) -> Outcome:
    """A run of so many readers, carried unless it passed a limit or is said to have shown something else."""
    showed = changes.pop("showed", "failed" if passed else "carried")
    why = changes.pop("why", "")
    facts = {
        "scenario": scenario, "verdict": "survived", "mode": "live", "readers": readers, "pace": 5.0,
        "pace1_equivalent_readers": 5.0 * readers, "session_s": 600.0, "duration_s": 120.0, "cpu_s": 60.0,
        "vm_memory_mb": 4096, "vm_cpu": 2.0, "peak_anon_mb": 40.0 * readers, "peak_tree_rss_mb": 50.0 * readers,
        "stalls": 0, "blocks_played": 20 * readers, **changes,
    }  # fmt: skip
    record = VerdictRecord.model_validate(facts)
    share = (record.stalls or 0) / (record.blocks_played or 1)
    return Outcome(f"{scenario}-{readers}", record, RUN, showed, share, passed, why)


def killed(scenario: str, readers: int) -> Outcome:
    """A run whose server the kernel killed."""
    dead = {"verdict": "oom_killed", "server_kills": 1, "oom_kills": 1, "stalls": 9}
    return one(scenario, readers, KILL, peak_anon_mb=4050.0, peak_tree_rss_mb=5210.0, **dead)


LIVE = Capacity("live", AIM, (one("live", 4), killed("live", 8), one("live", 6, BUSY, KILL), one("live", 5)))
CACHED = Capacity("cached", AIM, tuple(one("cached", readers) for readers in (4, 8, 16)))
LIMITED = Capacity(
    "hybrid", AIM, (one("hybrid", 4), one("hybrid", 8, showed="generator", why="load: process 0 is late"))
)
NOBODY = Capacity("to-the-letter", AIM, tuple(killed("to-the-letter", readers) for readers in (4, 2, 1)))
BROKEN = Capacity("odd", AIM, tuple(one("odd", 4, showed="invalid", why="recorder: gone") for _ in range(2)))
STARVED = Passed(
    "this machine's CPU",
    3.0,
    "6 stalls, 5.0% of the blocks, too many after 3 s, while 1.95 of its 2 CPUs were used",
)
MACHINE = Capacity("starved", AIM, (one("starved", 4), one("starved", 8, STARVED, showed="machine")))
ABOVE = Capacity(
    "above",
    AIM,
    (
        one("above", 4, STARVED, KILL),
        one("above", 2, showed="generator", why="load: process 0 is late"),
        one("above", 1, STARVED, showed="machine"),
    ),
)
UNJUDGED = Capacity("unjudged", AIM, tuple(one("unjudged", n, STARVED, showed="machine") for n in (4, 2, 1)))
ORDERED = Capacity(
    "ordered", AIM, (one("ordered", 1, Passed("upstream", None, "8 of 16 requests for audio failed")),)
)
BEGUN = Capacity("begun", AIM, (one("begun", 4),))


@pytest.mark.parametrize(
    ("capacity", "words"),
    [
        (LIVE, "carries 5 readers, not 6 (CPU)"),
        (CACHED, "carries at least 16 readers (the most tried)"),
        (LIMITED, "carries at least 4 readers (the load generator was the limit at 8)"),
        (NOBODY, "carries not even 1 reader (memory)"),
        (BROKEN, "was not measured (nothing valid was measured at 4)"),
        (BEGUN, "carries at least 4 readers (broken off)"),
        (MACHINE, "carries at least 4 readers (this machine's CPU was the limit at 8)"),
        (
            ABOVE,
            (
                "does not carry 4 readers "
                "(memory; the load generator was the limit at 2; this machine's CPU was the limit at 1)"
            ),
        ),
        (UNJUDGED, "was not measured (this machine's CPU was the limit at 1)"),
        (ORDERED, "carries not even 1 reader (faults ordered of the upstream)"),
    ],
    ids=lambda value: value.scenario if isinstance(value, Capacity) else "",
)
def test_what_was_found_is_said_in_one_clause(capacity: Capacity, words: str) -> None:
    """Each end of a search has its words; the generator's limit is never called the VM's."""
    assert result(capacity) == words


def test_the_limits_are_told_in_the_order_of_time() -> None:
    """GIVEN stalls, then a kill THEN the reason begins with the first, with the evidence of both."""
    assert reasons(LIVE) == [f"6 readers: CPU ran out first ({BUSY.text}; then {KILL.text})."]
    assert reasons(LIMITED) == ["8 readers: the load generator was the limit: load: process 0 is late."]
    assert reasons(MACHINE) == [f"8 readers: this machine's CPU was the limit: {STARVED.text}."]
    assert reasons(ABOVE)[0] == f"4 readers: memory ran out first ({KILL.text}; beside {STARVED.text})."
    assert reasons(BEGUN) == ["the search was broken off: it could say more."]


def test_the_headline_has_the_conditions_that_all_share() -> None:
    """VM, pace and how many runs of each number stand in the sentence."""
    assert headline([LIVE, CACHED]).startswith(
        "On a VM of 4,096 MB at pace 5, one run of each number: live carries"
    )
    assert headline([]) == "Nothing was measured."


def test_who_watches_hears_what_a_run_showed() -> None:
    """A carried run is told with its figures."""
    assert told(CACHED.outcomes[0]) == "4 readers: carried, process tree 200 MB, stalls none"


def test_the_exit_code_is_of_the_worst_scenario() -> None:
    """0 with a bound, also one from below; 1 when nobody was carried; 4 when nothing valid was measured."""
    assert exit_code([LIVE, CACHED, LIMITED]) == 0
    assert exit_code([LIVE, NOBODY]) == 1
    assert exit_code([NOBODY, BROKEN]) == 4
    assert exit_code([Capacity("odd", AIM, ())]) == 4
    assert exit_code([LIVE, MACHINE]) == 0
    assert exit_code([LIVE, UNJUDGED]) == 4
    assert exit_code([LIVE, ABOVE]) == 0, "4 readers were not carried; of one nothing is known"


def test_every_file_of_the_report_is_written(tmp_path: Path) -> None:
    """GIVEN searches of every end THEN all five files are there, and each names every scenario."""
    capacities = [LIVE, CACHED, LIMITED, NOBODY, BROKEN, MACHINE, ABOVE, UNJUDGED, ORDERED, BEGUN]
    write_capacity_report(capacities, tmp_path)
    for name in ("capacity.md", "capacity.html", "capacity.json", "capacity.svg"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert all(capacity.scenario in text for capacity in capacities), name
    assert (tmp_path / "capacity.png").stat().st_size > 0


def test_the_json_holds_the_bounds_and_every_run_with_its_conditions(tmp_path: Path) -> None:
    """A program finds what was carried, what was not, what ran out first, and each run's verdict and run.json."""
    write_capacity_report([LIVE], tmp_path)
    document = json.loads((tmp_path / "capacity.json").read_text())
    (live,) = document["scenarios"]
    assert "one stall in all is allowed" in document["carries"]
    assert (live["carried"], live["not_carried"], live["ran_out_first"]) == (5, 6, "CPU")
    assert [run["folder"] for run in live["runs"]] == ["live-4", "live-8", "live-6", "live-5"]
    assert live["runs"][1]["verdict"]["verdict"] == "oom_killed"
    assert live["runs"][1]["run"]["machine"]["cpus"] == 2


def test_the_json_tells_limits_that_are_not_the_vms(tmp_path: Path) -> None:
    """A program finds where the machine was the limit, and memory as what ran out where the machine did too."""
    write_capacity_report([MACHINE, ABOVE], tmp_path)
    machine, above = json.loads((tmp_path / "capacity.json").read_text())["scenarios"]
    assert (machine["carried"], machine["not_carried"], machine["machine_limit"]) == (4, None, 8)
    assert (above["ran_out_first"], above["generator_limit"], above["machine_limit"]) == ("memory", 2, 1)


def test_the_page_asks_nobody_for_anything_and_no_two_drawings_share_an_id(tmp_path: Path) -> None:
    """GIVEN two drawings THEN nothing is fetched, colours follow the theme, and ids are unique."""
    write_capacity_report([LIVE, CACHED], tmp_path)
    page = (tmp_path / "capacity.html").read_text(encoding="utf-8")
    assert not any(word in page for word in ("src=", "<link", "@import", "<script"))
    assert page.count("<svg role") == 2
    assert "#0072b2" not in page.partition("</style>")[2]
    ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids)) > 0


def test_the_same_runs_give_the_same_picture(tmp_path: Path) -> None:
    """900 px wide, the bounds named in it, and no byte of it by chance."""
    for name in ("one", "two"):
        write_capacity_report([LIVE, CACHED], tmp_path / name)
    svg = (tmp_path / "one" / "capacity.svg").read_bytes()
    assert svg == (tmp_path / "two" / "capacity.svg").read_bytes()
    assert ET.fromstring(svg).get("width") == "675pt"  # noqa: S314 - our own file
    for text in ("4 GB limit", "2 GB budget", "carries 5 readers, not 6 (CPU)", ">5<", ">6<"):
        assert text in svg.decode()
    with Image.open(tmp_path / "one" / "capacity.png") as png:
        assert png.width == 1875


def test_the_limit_runs_through_no_number() -> None:
    """The largest number carried and the smallest not carried stand above the VM's limit, not across it."""
    capacity = Capacity("live", AIM, (one("live", 4), one("live", 5, BUSY)))
    with mpl.rc_context(STYLE):
        figure = new_figure(4.6, 2.2)  # as high as a panel of memory is
        memory = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        draw_capacity(memory, figure.add_axes((0.0, 0.0, 1.0, 0.1)), capacity, [capacity])
        figure.draw_without_rendering()
        limit_y = memory.transData.transform((4, 4.0))[1]
        bottoms = [text.get_window_extent().y0 for text in memory.texts if text.get_text() in {"4", "5"}]
    assert len(bottoms) == 2
    assert min(bottoms) > limit_y


def test_the_terminal_shows_the_sentence_first_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """The first line begins the result; no line is cut and none is wider than the terminal."""
    print_capacities([LIVE, CACHED], Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("On a VM of 4,096 MB")
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)
    assert any("not: memory" in line for line in lines)
