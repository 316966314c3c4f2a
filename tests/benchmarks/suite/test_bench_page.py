"""The page of a result: what it says first, and that nothing is left out."""

from __future__ import annotations

from benchmarks.suite.bench_page import markdown
from benchmarks.suite.tables import WIDTH
from tests.benchmarks.suite import results


def test_the_overview_comes_first() -> None:
    """GIVEN a result THEN its first table has each case, ours beside its peers, and how its promises fared."""
    page = markdown(
        results.result([results.case("chunk_serving"), results.case("splitter", None, "no PDF here")])
    )
    rows = [" ".join(line.split()) for line in page.splitlines() if line.startswith("|")]
    assert rows[2] == "| Chunk serving | requests/s | nginx | 0.610 | 1 | **1** | 1 |"
    assert rows[3] == "| Splitter | | not measured | | | | |"


def test_a_case_tells_promises_figures_ratios_and_notes() -> None:
    """GIVEN a case THEN its section has each promise with its answer, both tables and its notes."""
    page = markdown(results.result())
    assert "- held: At least 0.5 of nginx's requests/s. Measured: 0.61.\n" in page
    assert "- **not held**: At least 5 times FileResponse's. Measured: 4.9.\n" in page
    assert "- not told: It holds on Sundays. Measured: it is Monday.\n" in page
    assert "5,100 (5,000 to 5,200)" in page
    assert "0.610 (0.600 to 0.620)" in page
    assert "- The chunks are a stand-in." in page
    assert "nginx 1.22.1" in page


def test_what_was_not_measured_says_why() -> None:
    """GIVEN a case with an error, and one that is left out THEN both are said."""
    page = markdown(results.result([results.case("splitter", None, "no PDF here")], left_out=["watching"]))
    assert "**Not measured**: no PDF here" in page
    assert "Left out: watching." in page


def test_a_result_that_is_not_for_quoting_says_so_at_its_top() -> None:
    """GIVEN a noisy result, a short one and one that was interrupted THEN the page begins with that."""
    noisy = markdown(results.result([results.case("splitter", after=results.BUSY)]))
    assert noisy.index("too noisy") < noisy.index("| case")
    assert "- splitter: after it others took 20.0% of a core" in noisy
    assert "**The short form**" in markdown(results.result(form="short"))
    assert "**Not finished**" in markdown(results.result(ended_at=None))
    assert not {"too noisy", "short form", "Not finished"} & set(markdown(results.result()).split("**"))


def test_a_case_of_an_earlier_run_names_its_commit() -> None:
    """GIVEN a case that was kept THEN the conditions say when and at which commit it was measured."""
    kept = {**results.case("splitter"), "commit": "older12", "began_at": "2026-01-30T09:00:00+00:00"}
    assert (
        "Chunk serving: from an earlier run, 2026-01-30T09:00:00+00:00, full form, commit older12."
        in " ".join(markdown(results.result([kept])).split())
    )


def test_only_pictures_that_are_there_are_shown() -> None:
    """GIVEN the names of pictures THEN these are in the page, and no other."""
    page = markdown(results.result(), ["overview"])
    assert "](overview.svg)" in page
    assert "chunk_serving.svg" not in page


def test_the_page_fits_a_terminal() -> None:
    """GIVEN a result THEN no line of text or table is wider than the page."""
    page = markdown(results.result(), ["overview", "chunk_serving"])
    assert [line for line in page.splitlines() if len(line) > WIDTH] == []


def test_what_was_still_running_is_told() -> None:
    """GIVEN a case that left a program behind THEN its notes say that it was ended."""
    assert "it was still running: nginx -c x." in markdown(
        results.result([{**results.case("splitter"), "left_running": ["nginx -c x"]}])
    )
