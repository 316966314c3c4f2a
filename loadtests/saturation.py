"""Whether the load could keep up: a process without CPU, time or files left measures itself, not the server."""

from collections import deque

from loadtests.watch import Sample

CPU_WINDOW_S = 10.0
MOST_CPU_SHARE = 0.9
"""Share of one core, over any ``CPU_WINDOW_S``: a process's greenlets share one thread, which has no more to give."""
MOST_LAG_S = 0.5
MOST_LAGGED_SHARE = 0.01
LAGGED_ROWS_AT_LEAST = 3
"""One hiccup in a short run is no saturation, though it may be more than ``MOST_LAGGED_SHARE`` of its rows."""
MOST_OPEN_SHARE = 0.95
"""Nearer to the limit of open files than this, connections begin to fail."""


class Saturation:
    """Judges one process by its samples, given in order; only those with readers at work count."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._window: deque[tuple[float, float]] = deque()
        self._cpu_share = 0.0
        self._rows = 0
        self._lagged = 0
        self._worst_lag_s = 0.0
        self._fullest: Sample | None = None

    def add(self, sample: Sample) -> None:
        """Takes the next sample."""
        if not sample.readers:
            return
        self._rows += 1
        self._lagged += sample.loop_lag_s > MOST_LAG_S
        self._worst_lag_s = max(self._worst_lag_s, sample.loop_lag_s)
        if self._fullest is None or _open_share(sample) > _open_share(self._fullest):
            self._fullest = sample
        self._window.append((sample.t, sample.cpu_s))
        while len(self._window) > 1 and self._window[1][0] <= sample.t - CPU_WINDOW_S:
            self._window.popleft()
        begun_t, begun_cpu_s = self._window[0]
        if sample.t - begun_t >= CPU_WINDOW_S:
            self._cpu_share = max(self._cpu_share, (sample.cpu_s - begun_cpu_s) / (sample.t - begun_t))

    def reasons(self) -> list[str]:
        """Returns why the process could not keep up, each with the way out; empty when it could."""
        reasons = []
        if self._cpu_share > MOST_CPU_SHARE:
            reasons.append(
                f"process {self._process} used {self._cpu_share:.2f} of a core over {CPU_WINDOW_S:g} s: "
                "use more --processes, or fewer readers"
            )
        if self._lagged > max(LAGGED_ROWS_AT_LEAST - 1, MOST_LAGGED_SHARE * self._rows):
            reasons.append(
                f"process {self._process} was more than {MOST_LAG_S:g} s behind in {self._lagged} of "
                f"{self._rows} seconds, {self._worst_lag_s:.1f} s at worst: use more --processes, or fewer readers"
            )
        if self._fullest is not None and _open_share(self._fullest) >= MOST_OPEN_SHARE:
            reasons.append(
                f"process {self._process} had {self._fullest.open_files} of {self._fullest.open_files_limit} "
                "files open: raise `ulimit -n`, or use more --processes"
            )
        return reasons


def _open_share(sample: Sample) -> float:
    return sample.open_files / sample.open_files_limit if sample.open_files_limit > 0 else 0.0
