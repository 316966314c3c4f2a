from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.comparison import Comparison, compare
from profiles.report_text import evidence_lines, expectation, headline, number, status
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]


def compared(*folders: Path) -> Comparison:
    """The comparison of these runs."""
    return compare([RunFolder(folder) for folder in folders])


def test_the_expected_result_in_one_sentence(make_run: MakeRun) -> None:
    """Who was killed when, who survived, at what peak, under which load."""
    assert headline(compared(make_run("live"), make_run("cached"))) == (
        "As expected, with 32 readers at pace 5 on a VM of 4,096 MB: "
        "live was killed by the kernel after 24.3 s (server and 2 children; VM peak 4,096 MB); "
        "cached survived 600 s of reading (process tree peak 118 MB, no stall)."
    )


def test_the_opposite_result_is_not_called_expected(make_run: MakeRun) -> None:
    """GIVEN cached killed and live alive, THEN the sentence says who failed and what was expected."""
    cached = make_run(
        "cached",
        verdict="oom_killed",
        killed_after_s=9.0,
        server_kills=2,
        oom_kills=2,
        met=False,
        peak_vm_mb=4096.0,
    )
    live = make_run(
        "live", verdict="survived", met=False, stalls=1, oom_kills=0, server_kills=0, child_kills=0
    )
    sentence = headline(compared(live, cached))
    assert sentence.startswith("Not as expected (live, cached), with 32 readers")
    assert (
        "live survived 600 s of reading (process tree peak 5,121 MB, 1 stall) (expected: oom_killed)"
        in sentence
    )
    assert "cached was killed by the kernel after 9.0 s (server 2 times; VM peak 4,096 MB)" in sentence
    assert "(expected: survived, process tree below 2,048 MB, no stall)" in sentence


def test_an_invalid_run_proves_nothing(make_run: MakeRun) -> None:
    """An invalid scenario leads the sentence even when the others met their expectations."""
    invalid = make_run("live", verdict="invalid", met=False, oom_kills=0, server_kills=0, child_kills=0)
    sentence = headline(compared(invalid, make_run("cached")))
    assert sentence.startswith("Invalid (live), with")
    assert "live is invalid, so it shows nothing" in sentence
    assert "As expected" not in sentence


def test_killed_children_are_not_a_killed_server(make_run: MakeRun) -> None:
    """Where the server lived, the sentence says so."""
    sentence = headline(compared(make_run("cached-to-the-letter")))
    assert "lost 3 children to the kernel, the first after 37.9 s (the server not; VM peak" in sentence
    assert "was killed by the kernel" not in sentence


def test_without_expectation_the_sentence_only_measures(make_run: MakeRun) -> None:
    """Nothing expected is nothing confirmed."""
    assert headline(compared(make_run("cached", met=None))).startswith("Measured, with")


def test_different_loads_are_not_stated_as_one(make_run: MakeRun) -> None:
    """A number of readers stands in front only when all had it."""
    sentence = headline(compared(make_run("live", readers=8), make_run("cached")))
    assert sentence.startswith("As expected: live")


def test_pregeneration_reads_nothing(make_run: MakeRun) -> None:
    """A scenario without readers claims neither a session nor the absence of stalls."""
    made = make_run("pregenerate", load_kind="pregenerate", readers=1, blocks_played=0)
    sentence = headline(compared(made, make_run("cached")))
    assert "with 32 readers" in sentence
    assert "pregenerate survived (process tree peak 118 MB); " in sentence


@pytest.mark.parametrize("verdict", ["crashed", "killed", "unhealthy"])
def test_every_other_end_has_its_words(make_run: MakeRun, verdict: str) -> None:
    """No end is passed over, and none is called the kernel's."""
    sentence = headline(compared(make_run("cached", verdict=verdict, met=False)))
    assert sentence.startswith("Not as expected (cached)")
    assert "was killed by the kernel" not in sentence
    assert status(compared(make_run("live", verdict=verdict)).outcomes[0]) == verdict


def test_nothing_measured_is_said(make_run: MakeRun) -> None:
    """An empty comparison has a sentence too."""
    assert headline(compared()) == "Nothing was measured."


def test_evidence_ends_with_what_held_the_memory(make_run: MakeRun) -> None:
    """The largest holder stands first."""
    assert evidence_lines(compared(make_run("live")).outcomes[0])[-1] == (
        "held at the kill: 28 × reference_server.align 4,776 MB, 1 × server 344 MB"  # noqa: RUF001 - a times sign
    )
    assert evidence_lines(compared(make_run("cached", evidence=[])).outcomes[0]) == ["none"]


def test_numbers_carry_their_unit() -> None:
    """What is missing is a dash, not a zero."""
    assert number(4096, "MB") == "4,096 MB"
    assert number(None, "MB") == "–"  # noqa: RUF001 - an en dash
    assert number(0, "s", 1) == "0.0 s"


def test_expectations_in_words() -> None:
    """Also one that this version does not know."""
    assert expectation({"verdict": "oom_killed", "server_killed": True, "stalls": None, "new": 3}) == (
        "oom_killed, server among the victims, new 3"
    )


def test_a_victim_that_nobody_saw_is_not_said_to_be_a_child(make_run: MakeRun) -> None:
    """GIVEN kills that only the counter saw THEN the sentence does not clear the server."""
    folder = make_run("cached-to-the-letter", child_kills=0, oom_kills=2)
    text = headline(compare([RunFolder(folder)]))
    assert "lost 2 processes to the kernel" in text
    assert "the server not" not in text
