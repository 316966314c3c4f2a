"""`bench.json`: what is told of a case, what is good, and what of an earlier result is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import result
from benchmarks.suite.measured import Figure, Measured
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
    """GIVEN a case with an error THEN it has that, a readable title and no figures, and is not good."""
    told = results.case("chunk_serving", None, "wrk: cannot be had")
    assert (told["error"], told["title"], told["figures"]) == ("wrk: cannot be had", "Chunk serving", [])
    assert not result.is_good(told)


def test_a_noisy_case_is_not_good_and_says_why_not() -> None:
    """GIVEN a case after which the machine was busy THEN it is not good, and the result's reasons name the case."""
    noisy = results.case("splitter", after=results.BUSY)
    assert not result.is_good(noisy)
    assert result.is_good(results.case("splitter"))
    (reason,) = result.why_not(results.result([results.case("chunk_serving"), noisy]))
    assert reason.startswith("splitter: after it others took 20.0%")


def test_promises_are_counted_by_their_answers() -> None:
    """GIVEN promises held, not held and not told THEN each is counted."""
    assert result.held(results.case("chunk_serving")) == {True: 1, False: 1, None: 1}


def test_the_headline_is_the_first_ratio_to_every_peer() -> None:
    """GIVEN ratios to two peers under two settings THEN those of the first setting and quantity are the headline."""

    def ratio(quantity: str, setting: str, peer: str) -> dict[str, str]:
        return {"quantity": quantity, "setting": setting, "subject": "oomproof", "peer": peer}

    first = [ratio("rate", "a", "nginx"), ratio("rate", "a", "granian")]
    others = [ratio("rate", "b", "nginx"), ratio("CPU", "a", "nginx")]
    assert result.headline({"ratios": [first[0], *others, first[1]]}) == first
    assert result.headline({"ratios": []}) == []


@pytest.mark.parametrize("values", [(), (1.0, float("nan")), (float("inf"),)])
def test_what_is_no_number_is_no_measurement(values: tuple[float, ...]) -> None:
    """GIVEN a figure without a round, or with a value that is no number THEN it is refused with its name."""
    result.check(results.SERVED)
    with pytest.raises(BenchmarkError, match="RSS of nginx, idle"):
        result.check(Measured("x", (Figure("nginx", "idle", "RSS", "MB", values),)))


def test_good_cases_of_an_earlier_result_are_kept() -> None:
    """GIVEN a good, a noisy and a failed case, and one that is asked for anew THEN the good one alone is kept."""
    good, noisy = results.case("chunk_serving"), results.case("splitter", after=results.BUSY)
    failed, again = results.case("gate_power", None, "no"), results.case("watching")
    earlier = results.result([good, noisy, failed, again])
    assert result.kept_of(earlier, ["watching"], "full", results.MACHINE) == [good]


def test_another_machines_cases_are_not_kept() -> None:
    """GIVEN a result of another machine, or of the other form THEN nothing is kept, and it says why."""
    earlier = results.result()
    with pytest.raises(BenchmarkError, match="another machine"):
        result.kept_of(earlier, [], "full", {**results.MACHINE, "kernel": "6.2"})
    with pytest.raises(BenchmarkError, match="of the full form"):
        result.kept_of(earlier, [], "short", results.MACHINE)


def test_cases_stand_in_the_suites_order() -> None:
    """GIVEN cases in any order THEN they are told in the suite's."""
    cases = [results.case("watching"), results.case("chunk_serving")]
    assert [one["name"] for one in result.in_order(cases, ("chunk_serving", "watching"))] == [
        "chunk_serving",
        "watching",
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 0}', None])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str | None) -> None:
    """GIVEN a folder without a result, or with something else in its place THEN one line names the file."""
    if text is not None:
        (tmp_path / result.FILE).write_text(text)
    with pytest.raises(BenchmarkError, match=result.FILE):
        result.read(tmp_path)


def test_versions_and_limits_of_this_machine_are_known() -> None:
    """GIVEN this environment THEN Python's and uvicorn's versions are told, and cores that we may use."""
    assert {"python", "uvicorn", "starlette"} <= set(result.versions())
    assert result.limits()["cores"]
