"""What `bench.json` has of a case that was run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.measured import Figure, Measured
from benchmarks.suite.ran import check
from tests.benchmarks.suite import results


def test_a_case_has_every_value_of_every_round() -> None:
    """GIVEN a case that was measured THEN its figures have all values, in order, and middle, smallest and largest."""
    told = results.case("chunk_serving")
    nginx = told["figures"][1]
    assert nginx["values"] == [5000, 5100, 5200]
    assert (nginx["low"], nginx["median"], nginx["high"]) == (5000, 5100, 5200)
    assert told["ratios"][0]["values"] == [0.6, 0.61, 0.62]
    assert [promise["holds"] for promise in told["promises"]] == [True, False, None]
    assert told["commit"] == "abc1234"
    assert json.loads(json.dumps(told)) == told


def test_what_is_written_keeps_six_digits() -> None:
    """GIVEN a value with more digits than anything measured has THEN six are written."""
    measured = Measured("x", (Figure("oomproof", "x", "CPU", "us", (1234.56789,)),))
    assert results.case("chunk_serving", measured)["figures"][0]["values"] == [1234.57]


def test_a_case_that_could_not_be_measured_says_why() -> None:
    """GIVEN a case with an error THEN it has that, a readable title and no figures."""
    told = results.case("chunk_serving", None, "wrk: cannot be had")
    assert (told["error"], told["title"], told["figures"]) == ("wrk: cannot be had", "Chunk serving", [])


@pytest.mark.parametrize("values", [(), (1.0, float("nan")), (float("inf"),)])
def test_what_is_no_number_is_no_measurement(values: tuple[float, ...]) -> None:
    """GIVEN a figure without a round, or with a value that is no number THEN it is refused with its name."""
    check(results.SERVED)
    with pytest.raises(BenchmarkError, match="RSS of nginx, idle"):
        check(Measured("x", (Figure("nginx", "idle", "RSS", "MB", values),)))


def test_files_are_told_from_the_root() -> None:
    """GIVEN an error and a note that name files here THEN the result names them from the repository's root."""
    here = Path(__file__).resolve().parents[3]
    told = results.case("watching", None, f"{here}/build/bench/x/server.log: status 1")
    assert told["error"] == "build/bench/x/server.log: status 1"
    noted = results.case("watching", replace(results.SERVED, notes=(f"See {here}/reports/x.",)))
    assert noted["notes"] == ["See reports/x."]
    assert str(here) not in json.dumps([told, noted])
