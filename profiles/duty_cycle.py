"""A CPU share kept by stopping and continuing processes: when they run, and when they have to wait."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.vm_size import CPU_PERIOD_US

PERIOD_S = CPU_PERIOD_US / 1e6
SHORTEST_SLICE_S = 0.004
"""No use in looking sooner: a stop takes about as long to reach a process on a busy core."""


@dataclass
class DutyCycle:
    """Lets processes run until they have used a period's worth of their share, then stops them for the rest of it.

    What was used beyond that, since nobody looked in time, is paid back: so the share holds over seconds, while the
    stops are longer than a kernel's would be.
    """

    cpus: float
    machine_cpus: int
    stopped: bool = False
    stopped_s: float = 0.0
    """How long they were stopped in all."""
    _credit_s: float = 0.0
    _t: float | None = None
    _cpu_s: float = 0.0

    def update(self, t: float, cpu_s: float) -> None:
        """Account the CPU used up to time `t`, and decide whether they run from now on."""
        if self._t is not None:
            elapsed = t - self._t
            self.stopped_s += elapsed if self.stopped else 0.0
            self._credit_s = min(
                self._credit_s + self.cpus * elapsed - (cpu_s - self._cpu_s), self.cpus * PERIOD_S
            )
        self._t, self._cpu_s = t, cpu_s
        if self.cpus >= self.machine_cpus:
            self.stopped, self._credit_s = False, 0.0
        elif self.stopped:
            self.stopped = self._credit_s < self.cpus * PERIOD_S * 0.99  # rounding must not cost a period
        else:
            self.stopped = self._credit_s <= 0.0

    @property
    def next_s(self) -> float:
        """How long the decision stands, at most, in seconds."""
        if self.cpus >= self.machine_cpus:
            return float("inf")
        if self.stopped:
            return max((self.cpus * PERIOD_S - self._credit_s) / self.cpus, SHORTEST_SLICE_S)
        return max(self._credit_s / self.machine_cpus, SHORTEST_SLICE_S)
