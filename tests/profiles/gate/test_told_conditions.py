"""A gate's conditions: what all its runs share, and each scenario's load."""

from __future__ import annotations

from pathlib import Path

from profiles.gate.told_conditions import told_conditions
from tests.profiles.gate.measured import side_runs, tiny


def test_the_conditions_are_told_once(tmp_path: Path) -> None:
    """GIVEN both sides of two scenarios, one of which is called as a condition is THEN nothing hides anything."""
    first = tiny(tmp_path)
    second = tiny(tmp_path, "machine", "[load]\nmode = 'live'\nreaders = 1\nsessions = 3\npace = 2.5\n")
    measured = [
        side_runs(tmp_path, first, "base", verdict="invalid"),
        *(side_runs(tmp_path, one) for one in (first, second)),
    ]
    assert told_conditions(measured, 6, 2) == {
        "runs": 6,
        "runs_at_once": 2,
        "alpha": 0.01,
        "load of tiny": "4 readers, 1 session of 60 s each, at pace 5, cached",
        "load of machine": "1 reader, 3 sessions of 600 s each, at pace 2.5, live",
        "machine": {
            "cpu_model": "Invented CPU",
            "cpus": 2,
            "memory_gb": 23.5,
            "kernel": "6.18",
            "vm_backend": "cgroup v1",
        },
        "python": "3.11.7",
        "vm_memory_mb": 512,
        "vm_cpus": 2,
        "document_sha256": "5e" * 32,
    }


def test_without_a_valid_run_no_machine_is_known(tmp_path: Path) -> None:
    """GIVEN runs that are all invalid THEN what was asked for is told, and nothing is made up."""
    told = told_conditions([side_runs(tmp_path, tiny(tmp_path), verdict="invalid")], 2, 1)
    assert set(told) == {"runs", "runs_at_once", "alpha", "load of tiny"}
