"""Figures that the docs quote are put in from `options.json`, and only from there."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.options_figures import to_json
from benchmarks.options_quote import LATER, main, quoted
from benchmarks.options_runs import read_runs
from profiles.errors import OomproofError
from profiles.report_text import NONE
from tests.benchmarks.option_folders import KILLED, make_run


@pytest.fixture
def result(tmp_path: Path) -> dict[str, Any]:
    """The value of `options.json`: `live` twice, and `cached` once."""
    make_run(tmp_path / "out", "balance-500/live-1", KILLED)
    make_run(tmp_path / "out", "balance-500/live-2", KILLED, killed_after_s=25.3, peak_anon_mb=4056.1)
    make_run(tmp_path / "out", "balance-500/cached-1")
    return to_json(read_runs(tmp_path / "out"), {})


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("live@500 end", "2 of 2 killed after 31.1, 25.3 s"),
        ("live@500 victims", "server in 2 of 2; 2 children"),
        ("live@500 runs", "2"),
        ("live@500 peak_anon_mb MB", "4,046 to 4,056 MB"),
        ("cached@500 cpu_s s 1", "4.2 s"),
        ("cached@500 stalls", "0"),
        ("live@500 chunk_p95_ms ms", NONE),
        ("live@500/cached@500 first_audio_p50_ms", "762"),
        ("cached@500/live@500 chunk_p95_ms", NONE),
        ("cached@500/live@500 fallbacks", NONE),
        ("live@5 end", LATER),
        ("live@500/cached@5 first_audio_p50_ms", LATER),
        ("cached-to-the-letter@500 end", LATER),
        ("cached-memray@500 heap_peak_mb MB", LATER),
    ],
)
def test_a_quotation_is_what_was_measured(result: dict[str, Any], what: str, told: str) -> None:
    """GIVEN a quotation THEN what stands in it is replaced, and it stays one; the rest of the page stays as it is."""
    page = f"It was <!--q {what}-->something\nelse<!--/q-->, <b>not</b> <!-- q --> more."
    new = f"It was <!--q {what}-->{told}<!--/q-->, <b>not</b> <!-- q --> more."
    assert quoted(page, result) == new
    assert quoted(new, result) == new


def test_each_quotation_is_its_own(result: dict[str, Any]) -> None:
    """GIVEN two in a line THEN the text between them stays."""
    page = "<!--q live@500 runs-->?<!--/q--> and <!--q cached@500 runs-->?<!--/q-->"
    assert quoted(page, result) == "<!--q live@500 runs-->2<!--/q--> and <!--q cached@500 runs-->1<!--/q-->"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("live@500 peak", "quotation live@500 peak: no such figure"),
        ("alive@500 end", "quotation alive@500: no option at a balance"),
        ("live end", "quotation live: no option at a balance"),
    ],
)
def test_a_quotation_of_nothing_there_is_is_told(result: dict[str, Any], what: str, said: str) -> None:
    """GIVEN a slip in a quotation THEN it is named: it must not stand there as a figure that is yet to come."""
    with pytest.raises(OomproofError, match=said):
        quoted(f"<!--q {what}-->1<!--/q-->", result)


def test_pages_are_renewed_and_only_where_something_changed(
    tmp_path: Path, result: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN two pages WHEN the command runs twice THEN the one that quotes is written, once."""
    (tmp_path / "options.json").write_text(json.dumps(result))
    quoting, plain = tmp_path / "quoting.md", tmp_path / "plain.md"
    quoting.write_text("<!--q live@500 runs-->?<!--/q-->")
    plain.write_text("Nothing.")
    arguments = [str(quoting), str(plain), "--result", str(tmp_path / "options.json")]
    assert (main(arguments), capsys.readouterr().out) == (0, f"{quoting}: figures renewed\n")
    assert (main(arguments), capsys.readouterr().out) == (0, "")
    assert quoting.read_text() == "<!--q live@500 runs-->2<!--/q-->"


@pytest.mark.parametrize("content", [None, "no JSON", '{"options": []}'])
def test_what_cannot_be_quoted_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    """GIVEN no figures, broken ones, or a page with a slip THEN one line says so, and the page stays."""
    page, result = tmp_path / "page.md", tmp_path / "options.json"
    page.write_text("<!--q live@500 nothing-->?<!--/q-->")
    if content is not None:
        result.write_text(content)
    assert main([str(page), "--result", str(result)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert "?" in page.read_text()
