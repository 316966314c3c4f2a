"""The page on growth: every number on it is computed, and it is as the published result has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import (
    chunk_promises,
    growth,
    growth_inputs,
    pregeneration,
    pregeneration_memory,
    pregeneration_rate,
    slow_listeners,
    splitter,
    store_processes,
    stream_promises,
)
from benchmarks.suite.chunk_requests import Way
from benchmarks.suite.growth_fit import Law
from benchmarks.suite.growth_known import LATER, Known
from benchmarks.suite.growth_one_more import one_more
from benchmarks.suite.growth_plot import formula
from benchmarks.suite.growth_words import SAID, formulas, prediction
from benchmarks.suite.measured import Effort, Figure, Measured
from tests.benchmarks.suite import results

BLOCK_BYTES = 512_000.0
"""32 s of 128 kbit/s."""


def figure(setting: str, quantity: str, unit: str, value: float) -> Figure:
    """A figure of ours, of one round."""
    return Figure("oomproof", setting, quantity, unit, (value,))


def stream(streams: int) -> tuple[Figure, ...]:
    """What so many streams hold: 60 MB and 20 kB each, of them 4 kB in the kernel; and 5 millionths of a core each."""
    setting = f"{streams:,} streams"
    return (
        figure(setting, "RSS a stream", "kB", 16.0),
        figure(setting, "share of a core", "1", 5e-6 * streams),
        figure(setting, "kernel's buffers a stream", "kB", 4.0),
        figure(setting, growth_inputs.IN_ALL, "MB", 60 + 0.016 * streams),
    )


MEASURED = results.result(
    [
        results.case("chunk_serving", Measured("Chunk serving", (figure(*growth_inputs.CPU[1:], 240.0),))),
        results.case("slow_listeners", Measured("Slow listeners", (*stream(1000), *stream(5000)))),
        results.case(
            "pregeneration",
            Measured(
                "Pre-generation",
                (
                    figure(*growth_inputs.BLOCK_CPU[1:], 600.0),
                    figure(*growth_inputs.BLOCK_CPU_BARE[1:], 40.0),
                    *(
                        figure(f"{pages:,} pages", growth_inputs.PEAK, "MB", 70.0)
                        for pages in (10, 100, 1000)
                    ),
                ),
            ),
        ),
        results.case("store_scale", results.STORED),
        results.case("splitter", Measured("Splitter", (figure("a PDF", *growth_inputs.PAGES[1:], 250.0),))),
    ]
)
KNOWN = Known(MEASURED, BLOCK_BYTES)
NOTHING = Known(None, BLOCK_BYTES)


def row(table: str, *begins: str) -> str:
    """The row of a table whose first cells are these."""
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if tuple(cells[: len(begins)]) == begins:
            return " ".join(line.split())
    raise AssertionError(f"{begins}: no such row in\n{table}")


def test_what_one_more_takes_is_computed() -> None:
    """GIVEN what was measured THEN each cost of one more is told, by hand the same."""
    told = one_more(KNOWN)
    assert "0.0200 thousandths | a core | 2 requests every 32.0 s, 240 us each; and the open stream" in row(
        told, "reader who listens"
    )
    assert "0.00500 thousandths" in row(told, "stream that is open")
    assert "RSS" in row(told, "", "16.0 kB", "the server's memory")
    assert "4.00 kB" in row(told, "", "4.00 kB")
    assert "600 ms | CPU | without the words' times: 40.0 ms" in row(told, "block made ahead")
    assert "4.00 ms" in row(told, "page of a PDF")
    assert "nothing" in row(told, "", "nothing", "the server's memory")
    assert "0.0720 s | CPU | 225 requests" in row(told, "hour that somebody listens")
    assert "57.6 MB" in row(told, "", "57.6 MB", "traffic")
    assert "67.5 s | CPU | 112 blocks" in row(told, "hour of speech made ahead")
    assert "20.0 us | time to start | 20.0 + 0.0200 n ms" in row(told, "chunk stored")
    assert LATER in row(told, "", LATER, "CPU of a sweep")


def test_what_many_take_is_computed() -> None:
    """GIVEN what was measured THEN what 10,000 readers and a million take is told, by hand the same."""
    told = prediction(KNOWN)
    assert "| 625 | 62,500 |" in row(told, "requests/s")
    assert "| 0.200 | 20.0 |" in row(told, "cores, of this machine's")
    assert "| 1.28 | 128 |" in row(told, "bandwidth, Gbit/s")
    assert "| 0.160 | 16.0 |" in row(told, "RSS of open streams, GB")
    assert "| 0.0400 | 4.00 |" in row(told, "page cache under way, GB")
    assert "| 11.5 | 1,152 |" in row(told, "traffic, $ an hour")
    assert "| 10 | 954 |" in row(told, "volumes where nothing is in memory")
    assert "| 3 (by CPU) | 229 (by CPU) |" in row(told, "machines, shared-cpu-2x, 4 GB")
    assert "| 1 (by CPU) | 29 (by CPU) |" in row(told, "machines, performance-1x, 2 GB")


def test_every_quantity_over_a_number_has_its_formula() -> None:
    """GIVEN what was measured THEN each has a row; a line through two numbers is untested, a constant is not."""
    told = formulas(KNOWN)
    assert "| 60.0 + 0.0160 n MB | untested |" in row(told, "Slow listeners", "streams", growth_inputs.IN_ALL)
    assert "| 70.0 MB | 0% |" in row(told, "Pre-generation", "pages", growth_inputs.PEAK)
    assert "| 22.0 at 100, 4,020 at 200,000 | 20.0 + 0.0200 n ms | 0% |" in row(told, "Store at scale")


@pytest.mark.parametrize("what", SAID)
def test_what_is_not_measured_is_said_to_be_so(what: str) -> None:
    """GIVEN nothing published THEN every part says so, and none fails."""
    assert LATER in SAID[what](NOTHING).lower()


def test_a_part_that_is_missing_is_told_alone() -> None:
    """GIVEN a result without slow listeners THEN nothing is predicted, and the block's cost is told."""
    cases = [case for case in MEASURED["cases"] if case["name"] != "slow_listeners"]
    known = Known({**MEASURED, "cases": cases}, BLOCK_BYTES)
    assert prediction(known) == "Not measured yet."
    assert "600 ms" in row(one_more(known), "block made ahead")


@pytest.mark.parametrize(
    ("law", "told"),
    [
        (Law("constant", 15.8, 0, 0, 2), "15.8 kB"),
        (Law("line", 57.3, 0.0155, 0, 2), "57.3 + 0.0155 n kB"),
        (Law("line", 0.0, 0.5, 0, 2), "0.500 n kB"),
        (Law("line", 4.0, 0.0095, 0, 2), "4.00 + 9.50 n/1,000 kB"),
        (Law("line", 4.0, 2e-6, 0, 2), "4.00 + 2.00 n/1,000,000 kB"),
        (Law("line", 4.0, -0.5, 0, 2), "4.00 - 0.500 n kB"),
        (Law("power", 2.0, 0.5, 0, 2), "2.00 n^0.50 kB"),
    ],
)
def test_a_law_is_a_formula_that_can_be_read(law: Law, told: str) -> None:
    """GIVEN a law THEN it is told with numbers that have digits to be seen."""
    assert formula(law, "kB") == told


def test_the_figures_are_those_of_the_cases() -> None:
    """GIVEN the names of what the page takes THEN they are those under which the cases tell it."""
    ours = {
        growth_inputs.CPU: ("chunk_serving", Way(16, kept=False).setting, chunk_promises.CPU, "us"),
        growth_inputs.STREAM_RSS: (
            "slow_listeners",
            stream_promises.setting_of(growth_inputs.STREAMS),
            stream_promises.A_STREAM,
            "kB",
        ),
        growth_inputs.STREAM_CORES: (
            "slow_listeners",
            stream_promises.setting_of(growth_inputs.STREAMS),
            slow_listeners.CPU,
            "1",
        ),
    }
    assert all(name == told for name, told in ours.items())
    assert growth_inputs.IN_ALL == stream_promises.IN_ALL
    aligned, bare = growth_inputs.BLOCK_CPU, growth_inputs.BLOCK_CPU_BARE
    settings = {pace.setting for pace in pregeneration.paces(Effort(full=True))}
    assert {aligned[1], bare[1]} <= settings
    assert (aligned[2], bare[2]) == (pregeneration_rate.CPU, pregeneration_rate.CPU)
    assert growth_inputs.PEAK == pregeneration_memory.PEAK
    assert growth_inputs.PAGES[1] == splitter.PAGES_WHOLE
    assert (growth_inputs.SCAN, growth_inputs.SWEEP) == (store_processes.SCAN_COLD, store_processes.SWEEP)


def test_quotations_are_replaced_and_nothing_else() -> None:
    """GIVEN a page WHEN it is renewed THEN what is between marks is replaced; once more changes nothing."""
    page = "before\n\n<!--growth formulas-->\nwhat stood there\n<!--/growth-->\n\nafter\n"
    once = growth.quoted(page, KNOWN)
    assert once.startswith("before\n\n<!--growth formulas-->\n\n| measured in")
    assert once.endswith("|\n\n<!--/growth-->\n\nafter\n")
    assert "what stood there" not in once
    assert growth.quoted(once, KNOWN) == once


def test_a_quotation_of_nothing_is_refused() -> None:
    """GIVEN a page that quotes what there is not THEN one line says so."""
    with pytest.raises(BenchmarkError, match="quotation weather: no such part"):
        growth.quoted("<!--growth weather-->\n<!--/growth-->", KNOWN)


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a result and a page THEN the page is renewed; one that is not there is one line and 2."""
    (tmp_path / "bench.json").write_text(json.dumps(MEASURED))
    page = tmp_path / "page.md"
    page.write_text("<!--growth prediction-->\n<!--/growth-->\n")
    assert growth.main([str(page), "--published", str(tmp_path)]) == 0
    assert "figures renewed" in capsys.readouterr().out
    assert "10,000 readers" in page.read_text()
    assert growth.main([str(tmp_path / "gone.md"), "--published", str(tmp_path)]) == 2
    assert "gone.md" in capsys.readouterr().err


def test_the_size_of_a_real_chunk_is_the_published_one(tmp_path: Path) -> None:
    """GIVEN the published readers' benchmark THEN a block is half a minute of speech; another file tells none."""
    assert 28 < Known(None, growth_inputs.block_bytes()).block_s < 36
    other = tmp_path / "result.json"
    other.write_text('{"cases": []}')
    with pytest.raises(ValueError, match="no size of a chunk"):
        growth_inputs.block_bytes(other)


def test_the_docs_quote_what_is_published() -> None:
    """GIVEN the page of the docs THEN it quotes every part, and each as the published result has it."""
    text = growth.PAGE.read_text("utf-8")
    assert all(f"<!--growth {what}-->" in text for what in SAID)
    assert growth.quoted(text, growth.known_of(growth.PUBLISHED)) == text, "run make bench-growth"
