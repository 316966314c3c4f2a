"""A shared machine's CPU balance: what Fly.io lets it burst, and when it stops."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.vm_size import RESTED_BALANCE_S, VmSize

RESUME_BALANCE_S = 0.5
"""A throttled VM bursts again only with this much saved, so that its quota is not set at every sample."""


@dataclass
class CpuBalance:
    """CPU seconds saved above the VM's share; while they last the VM has its vCPUs whole.

    Time below the share is saved, time above it is spent, between 0 and 500 s per machine
    (Fly does not say whether per machine or per vCPU: taken per machine).
    """

    size: VmSize
    balance_s: float
    throttled: bool = False
    _t: float | None = None
    _cpu_s: float | None = None

    def update(self, t: float, cpu_s: float) -> bool:
        """Account the CPU used up to time `t`; return whether the quota must change."""
        if self._t is not None and self._cpu_s is not None:
            saved = self.size.share_of_core * (t - self._t) - (cpu_s - self._cpu_s)
            self.balance_s = min(max(self.balance_s + saved, 0.0), RESTED_BALANCE_S)
        self._t, self._cpu_s = t, cpu_s
        throttle = self.balance_s <= (RESUME_BALANCE_S if self.throttled else 0.0)
        changed = throttle != self.throttled
        self.throttled = throttle
        return changed

    @property
    def cpus(self) -> float:
        """Cores' worth of CPU that the VM may use now."""
        return self.size.share_of_core if self.throttled else float(self.size.cpus)
