"""The Markdown page of `benchmarks.recorder`, made from its `result.json` alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Case = Mapping[str, Any]


def _shares(case: Case) -> str:
    if case["cpu_share"] is None:
        return "-"
    return f"{100 * case['cpu_share']:.2f} % / {100 * case['cpu_share_max']:.2f} %"


def _ratio(value: Mapping[str, float]) -> str:
    return f"{value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


_ROWS: Sequence[tuple[str, Callable[[Case], str]]] = (
    ("samples a second", lambda case: str(case["sample_hz"] or "no recorder at all")),
    ("processes in the VM", lambda case: str(case["processes"])),
    ("pairs", lambda case: str(case["pairs"])),
    ("requests in a window, at least", lambda case: f"{case['requests']:,}"),
    ("CPU of the recorder, share of a core, median / highest", _shares),
    ("its highest RSS, MiB", lambda case: "-" if case["rss_mb"] is None else f"{case['rss_mb']:.1f}"),
    (
        "latency without it, p50 / p99, ms",
        lambda case: f"{case['p50_us'] / 1e3:.2f} / {case['p99_us'] / 1e3:.2f}",
    ),
    ("p50 with it / without (95 % interval)", lambda case: _ratio(case["p50_ratio"])),
    ("p99 with it / without (95 % interval)", lambda case: _ratio(case["p99_ratio"])),
)


def markdown(result: Mapping[str, Any]) -> str:
    """Returns the page."""
    cases: Sequence[Case] = result["cases"]
    head = ["", *(case["name"] for case in cases)]
    rows = [head, ["---"] * len(head), *([name, *map(told, cases)] for name, told in _ROWS)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join(
        ["# What the recorder costs, and what it costs the target", "", *_conditions(result), "", table, ""]
    )


def _conditions(result: Mapping[str, Any]) -> list[str]:
    machine = result["machine"]
    measured = (
        f"Measured {result['created_at'][:10]} by `{result['command']}` at commit {result['commit'] or 'unknown'}, on "
        f"{machine['cpus']} cores ({machine['cpu_model'] or 'unknown model'}), {machine['memory_mb']:,} MB, "
        f"Linux {machine['kernel']}, Python {machine['python']}, {result['backend']}; load average before: "
        f"{result['load_average']:.1f}."
    )
    how = (
        f"The reference server in a VM answers /api/health to one client, at most {result['rate_per_s']} times a "
        f"second. Each pair is a window of {result['window_s']:g} s with the recorder and one without, in turns of "
        "order; the ratio is the pairs' geometric mean, its interval a percentile bootstrap over the pairs, which at "
        "ten pairs holds the truth 91 times in 100, not 95. Where no window had a recorder, what the ratio shows "
        "is the machine's own noise. Processes beside the server sleep."
    )
    return [measured, "", how]
