"""What one load process saw of itself in its window."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

BUSY_SHARE = 0.9
"""CPU of a process above this share of a core: what it measures may be its own slowness."""

LATE_S = 0.5
"""So is it with a loop that is later than this more than once in a hundred looks."""


@dataclass(frozen=True)
class Observation:
    """One load process in its window. Seconds are wall seconds unless said.

    Attributes:
        pid: the process.
        began_t: `time.monotonic()` when the window began.
        ended_t: and when it ended.
        cpu_s: CPU seconds that the process used meanwhile.
        users: Locust users of this process at the end.
        rss_before_bytes: RSS before the first of them.
        rss_peak_bytes: highest RSS in the window, looked at each second.
        sockets: open sockets at the end.
        open_files_limit: how many files it may have open.
        requests: requests that ended, by name.
        failures: those that failed, by what was said of them.
        body_bytes: bytes of their answers' bodies.
        latencies_ms: how many took so many milliseconds.
        lags_ms: how many looks at a timer of 50 ms found it so many milliseconds late.
    """

    pid: int
    began_t: float
    ended_t: float
    cpu_s: float
    users: int
    rss_before_bytes: int
    rss_peak_bytes: int
    sockets: int
    open_files_limit: int
    requests: Mapping[str, int]
    failures: Mapping[str, int]
    body_bytes: int
    latencies_ms: Mapping[int, int]
    lags_ms: Mapping[int, int]

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.ended_t - self.began_t

    @property
    def cpu_share(self) -> float:
        """CPU of the process as a share of one core."""
        return self.cpu_s / self.seconds

    @property
    def saturated(self) -> bool:
        """Whether it was too busy for what it measures to be the server's."""
        return self.cpu_share > BUSY_SHARE or quantile(self.lags_ms, 0.99) > 1000 * LATE_S

    def save(self, folder: Path) -> None:
        """Writes it to the folder, whole or not at all."""
        aside = folder / f"observed-{self.pid}.part"
        aside.write_text(json.dumps(asdict(self)), encoding="utf-8")
        aside.rename(aside.with_suffix(".json"))

    @classmethod
    def load(cls, path: Path) -> "Observation":
        """Reads what `save` wrote."""
        value = json.loads(path.read_text(encoding="utf-8"))
        for name in ("latencies_ms", "lags_ms"):
            value[name] = {int(milliseconds): count for milliseconds, count in value[name].items()}
        return cls(**value)


def quantile(counts: Mapping[int, int], share: float) -> float:
    """Returns the smallest value that at least this share of those counted do not exceed; NaN of none."""
    wanted, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return math.nan


def merged(*counts: Mapping[int, int]) -> Counter[int]:
    """Returns the counts of all together."""
    total: Counter[int] = Counter()
    for one in counts:
        total.update(one)
    return total
