"""What ran out in a run of a capacity search, from what was short over its whole load."""

from __future__ import annotations

from typing import Any, Final, Literal

from profiles.ordered_faults import ordered_faults
from profiles.report_text import number
from profiles.run_folder import RunFolder
from profiles.service import MOST_FAILED_SHARE
from profiles.verdict_record import VerdictRecord

Resource = Literal["memory", "CPU", "this machine's CPU", "none", "server", "upstream"]
"""What ran out; `none`: blocks came too late with memory and CPU to spare; `server`: it ended or served nothing.

`upstream`: it was ordered to fail. `this machine's CPU` alone is no limit of the VM's.
"""
MACHINE: Final = "this machine's CPU"

MOST_THROTTLED_SHARE = 0.05
"""Throttled for more of the load than this, the VM had to do with its share of the CPU."""
BUSY_SHARE = 0.8
"""Over a whole load, whose ends are idle, a VM that used more than this of its vCPUs had none to spare."""
MACHINE_BUSY_SHARE = 0.9
"""And with more than this of the machine's CPUs used, whoever by, the VM did not get what it might have used."""


def why_late(folder: RunFolder, record: VerdictRecord) -> tuple[Resource, str]:
    """Return what was short while blocks came late, from the CPU time of the whole load.

    Faults that were ordered, of more requests than a healthy server may fail, come before all where the run is
    unhealthy for them; where it is not, after the VM's CPU, and before the machine's.
    """
    if failed_as_ordered(folder, record):
        return "upstream", "requests failed as was ordered"
    duration_s, cpu_s = record.duration_s or 0.0, record.cpu_s or 0.0
    if (record.throttled_s or 0.0) > MOST_THROTTLED_SHARE * duration_s:
        left = f"{number(record.balance_left_s, 's')} of balance left"
        return "CPU", f"the VM was throttled for {number(record.throttled_s, 's')} ({left})"
    used = cpu_s / duration_s if duration_s else 0.0
    if record.vm_cpu and used > BUSY_SHARE * record.vm_cpu:
        return "CPU", f"the VM used {used:.2f} of its {record.vm_cpu:g} vCPUs"
    ordered = ordered_faults(folder)
    if ordered and ordered.share > MOST_FAILED_SHARE:
        return "upstream", ordered.text
    machine: Any = folder.run.get("machine", {})
    cpus, busy = machine.get("cpus"), _machine_cpus(folder)
    if cpus and busy is not None and busy > MACHINE_BUSY_SHARE * cpus:
        load = record.load_cpu_share or 0.0
        shares = f"{used:.2f} by the VM, {load:.2f} by the load, {max(0.0, busy - used - load):.2f} by others"
        return MACHINE, f"{busy:.2f} of its {cpus} CPUs were used: {shares}"
    return "none", f"the VM used {used:.2f} CPUs and was not throttled"


def failed_as_ordered(folder: RunFolder, record: VerdictRecord) -> bool:
    """Whether the run is unhealthy, says of its upstream's orders why, and these alone were enough for it."""
    ordered = ordered_faults(folder)
    if record.verdict != "unhealthy" or not ordered or ordered.share <= MOST_FAILED_SHARE:
        return False
    return any(ordered.text in line for line in record.evidence)


def _machine_cpus(folder: RunFolder) -> float | None:
    """How many of the machine's CPUs were busy during the load, on average; None where it was not recorded."""
    start, end = folder.load_span
    known = [
        (s.t, s.machine_cpu_s) for s in folder.samples if start <= s.t <= end and s.machine_cpu_s is not None
    ]
    if len(known) < 2:
        return None
    (first_t, first_s), (last_t, last_s) = known[0], known[-1]
    return (last_s - first_s) / (last_t - first_t)
