"""Under which conditions a gate's figures were measured, as its report tells them."""

from __future__ import annotations

from collections.abc import Sequence

from profiles.gate.comparison import conditions_of_runs
from profiles.gate.decision import ALPHA
from profiles.gate.measure import SideRuns
from profiles.report_text import count
from profiles.scenario import Scenario


def told_conditions(measured: Sequence[SideRuns], runs: int, at_once: int) -> dict[str, object]:
    """Return the conditions that all runs share, and each scenario's load; without a valid run no machine is known."""
    told: dict[str, object] = {"runs": runs, "runs_at_once": at_once, "alpha": ALPHA}
    told |= {f"load of {one.scenario.name}": _load(one.scenario) for one in measured}
    known = next((found for one in measured if (found := conditions_of_runs(one.runs, at_once))), None)
    if known is not None:
        told["machine"] = known.machine.model_dump()
        told["python"] = known.python
        told["vm_memory_mb"] = known.vm.memory_mb
        told["vm_cpus"] = known.vm.cpus
        told["document_sha256"] = known.document_sha256
    return told


def _load(scenario: Scenario) -> str:
    load = scenario.load
    return (
        f"{count(load.readers, 'reader', 'readers')}, {count(load.sessions, 'session', 'sessions')} of "
        f"{load.session_s:g} s each, at pace {load.pace:g}, {load.mode}"
    )
