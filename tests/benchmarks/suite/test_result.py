"""`bench.json`: what is good in it, and what of an earlier one is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import result
from tests.benchmarks.suite import results


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
