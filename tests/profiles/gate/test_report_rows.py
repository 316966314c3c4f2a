"""Every condition and every run of a gate has a row, whatever it lacks."""

from __future__ import annotations

from pydantic import BaseModel

from profiles.gate.report_rows import condition_rows, run_rows
from tests.profiles.gate import outcomes


class _Machine(BaseModel):
    cpus: int = 2


def test_conditions_are_told_whatever_their_shape() -> None:
    """GIVEN tables, lists, models, numbers and nothing THEN each is one line, in words."""
    conditions: dict[str, object] = {
        "vm_memory_mb": 4096,
        "machine": {"cpu_model": "X", "tags": ["a", "b"]},
        "model": _Machine(),
        "alpha": 0.01,
        "document_sha256": None,
        "empty": (),
        "nothing": {},
    }
    assert condition_rows(conditions) == [
        ("VM memory MB", "4096"),
        ("machine", "CPU model X, tags a, b"),
        ("model", "CPUs 2"),
        ("alpha", "0.01"),
        ("document SHA-256", "–"),  # noqa: RUF001
        ("empty", "–"),  # noqa: RUF001
        ("nothing", "–"),  # noqa: RUF001
    ]


def test_every_run_is_told_with_what_it_lacks() -> None:
    """GIVEN runs of both sides THEN a row each under the head; a missing figure is a dash, a failed run says so."""
    lost = outcomes.run(
        "head",
        1,
        verdict="oom_killed",
        met=False,
        figures={},
        peak_vm_mb=None,
        peak_vm_kept_mb=None,
        started_at="",
    )
    rows = list(run_rows(outcomes.scenario(head_runs=(lost,))))
    assert len(rows) == 1 + outcomes.RUNS + 1
    assert {len(row) for row in rows} == {12}
    assert rows[0][2] == "peak tree RSS, MB"
    assert rows[0][-5:-1] == ("peak VM, MB", "without cache, MB", "load, s", "host memory pressure, %")
    assert rows[1][:2] == ("base 1", "survived")
    assert rows[-1] == ("head 1", "oom_killed, not as expected", *["–"] * 7, "60.2", "0.02", "–")  # noqa: RUF001


def test_first_tries_are_told_beside_the_runs_that_took_their_place() -> None:
    """GIVEN a first try of each side THEN it has a row after its side's runs, with its folder's name where known."""
    first = outcomes.run("head", 2, verdict="unhealthy", met=False)
    rows = list(
        run_rows(
            outcomes.scenario(base_retried=(outcomes.run("base", 1, folder=None),), head_retried=(first,))
        )
    )
    assert rows[1 + outcomes.RUNS][0] == "base, first try"
    assert rows[-1][:2] == ("head, first try (head-2)", "unhealthy, not as expected")
