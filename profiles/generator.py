"""The load generator judged: what its processes said of themselves in `generator.csv`.

A generator that is starved sends late, hears late, and blames the server. What it must not exceed is known to
the load too, which stops calling such a run good by itself; here the same is found again from the run folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from profiles.figures import mb_per_reader
from profiles.quantile import percentile
from profiles.run_folder import LoadSample, RunFolder

MOST_CPU_SHARE = 0.9
"""A process whose one thread used more of a core than this over `CPU_WINDOW_S` had no time left."""
CPU_WINDOW_S = 10.0
MOST_LAG_S = 0.5
"""A timer later than this is felt in what the readers do; it may be in `MOST_LAGGED_SHARE` of the rows."""
MOST_LAGGED_SHARE = 0.01
FEWEST_LAGGED_ROWS = 3
"""Fewer are a hiccup, even where a short run makes them a larger share."""
MOST_OPEN_SHARE = 0.95
"""Nearer to the limit of open files than this, connections begin to fail."""

Processes = Mapping[str, Sequence[LoadSample]]


def processes_of(folder: RunFolder) -> Processes:
    """Return the rows of each process of the load, in time's order."""
    rows: dict[str, list[LoadSample]] = defaultdict(list)
    for row in sorted(folder.generator, key=lambda row: row.t):
        rows[row.process].append(row)
    return rows


def generator_figures(processes: Processes, readers: int | None) -> dict[str, Any]:
    """Return the generator's figures of the time with readers; None where nothing was measured.

    Memory per reader adds up each process's own peak above its size before its first reader.
    """
    busy = [row for rows in processes.values() for row in _with_readers(rows)]
    shares = [share for rows in processes.values() for share in _cpu_shares(_with_readers(rows))]
    lags_ms = [row.loop_lag_s * 1000 for row in busy if row.loop_lag_s is not None]
    return {
        "load_processes_cpu_share_max": round(max(shares), 4) if shares else None,
        "load_loop_lag_p99_ms": percentile(lags_ms, 99),
        "load_open_files_peak": max(
            (int(row.open_files) for row in busy if row.open_files is not None), default=None
        ),
        "load_mb_per_reader": _mb_per_reader(processes, readers),
    }


def saturation(processes: Processes, *, for_days: bool = False) -> list[str]:
    """Return why the generator could not keep up, a line for each process and resource; none when it could.

    `for_days`: a soak's, which ten busy seconds do not spoil; its CPU is judged as its timers are, by one row in 100.
    """
    return [
        reason
        for name, rows in processes.items()
        for reason in _reasons(name, _with_readers(rows), for_days=for_days)
    ]


def _reasons(name: str, rows: Sequence[LoadSample], *, for_days: bool) -> Iterator[str]:
    shares = sorted(_cpu_shares(rows), reverse=True)
    spared = int(MOST_LAGGED_SHARE * len(shares)) if for_days else 0
    share = shares[spared] if shares else 0.0
    if share > MOST_CPU_SHARE:
        yield (
            f"load: process {name} used {share:.2f} of a core over {CPU_WINDOW_S:g} s, more than "
            f"{MOST_CPU_SHARE:g}: more --processes, or fewer readers"
        )
    lagged = [row.loop_lag_s for row in rows if row.loop_lag_s is not None and row.loop_lag_s > MOST_LAG_S]
    if len(lagged) >= FEWEST_LAGGED_ROWS and len(lagged) > MOST_LAGGED_SHARE * len(rows):
        yield (
            f"load: process {name} was more than {MOST_LAG_S:g} s behind its timers in {len(lagged)} of "
            f"{len(rows)} rows, {max(lagged):.1f} s at worst: more --processes, or fewer readers"
        )
    fullest = max(rows, key=_open_share, default=None)
    if fullest is not None and _open_share(fullest) >= MOST_OPEN_SHARE:
        yield (
            f"load: process {name} had {fullest.open_files:,.0f} of {fullest.open_files_limit:,.0f} files "
            "open: raise `ulimit -n`, or more --processes"
        )


def _with_readers(rows: Sequence[LoadSample]) -> list[LoadSample]:
    return [row for row in rows if row.readers]


def _cpu_shares(rows: Sequence[LoadSample]) -> Iterator[float]:
    """Yield the share of a core over every shortest stretch of rows that is as long as the window."""
    known = [(row.t, row.cpu_s) for row in rows if row.cpu_s is not None]
    first = 0
    for t, cpu_s in known:
        while first + 1 < len(known) and known[first + 1][0] <= t - CPU_WINDOW_S:
            first += 1
        start_t, start_cpu_s = known[first]
        if t - start_t >= CPU_WINDOW_S:
            yield (cpu_s - start_cpu_s) / (t - start_t)


def _open_share(row: LoadSample) -> float:
    return row.open_files / row.open_files_limit if row.open_files and row.open_files_limit else 0.0


def _mb_per_reader(processes: Processes, readers: int | None) -> float | None:
    shares = [mb_per_reader(_from_first_reader(rows), readers) for rows in processes.values()]
    known = [share for share in shares if share is not None]
    return round(sum(known), 3) if known else None


def _from_first_reader(rows: Sequence[LoadSample]) -> list[float]:
    """The process's memory from the last row before its first reader on; nothing where there is no such row."""
    first = next((index for index, row in enumerate(rows) if row.readers), 0)
    return [row.rss_bytes for row in rows[first - 1 :] if row.rss_bytes is not None] if first else []
