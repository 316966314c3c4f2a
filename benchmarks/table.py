"""The Markdown page of a benchmark, made from its `result.json` alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Case = Mapping[str, Any]

_ROWS: Sequence[tuple[str, Callable[[Case], str]]] = (
    ("users", lambda case: f"`{case['users']}`"),
    ("read from", lambda case: case["server"]),
    ("readers", lambda case: f"{case['readers']:,}"),
    ("load processes", lambda case: str(case["processes"])),
    ("CPU of the busiest load process, share of a core", lambda case: _percent(case["cpu_share"])),
    ("CPU of all load processes", lambda case: _percent(case["cpu_share_all"])),
    ("load CPU a request, ms", lambda case: f"{case['cpu_ms_per_request']:.2f}"),
    ("highest RSS of a load process, MiB", lambda case: f"{case['rss_mb']:.0f}"),
    ("grown by, a reader, KiB", lambda case: f"{case['rss_kb_per_reader']:.0f}"),
    ("failed requests", lambda case: str(case["failures"])),
    ("loop lag p99 / worst, ms", lambda case: f"{case['lag_p99_ms']:.0f} / {case['lag_max_ms']:.0f}"),
    ("requests/s", lambda case: f"{case['requests_per_s']:.0f}"),
    ("of readers who never wait", lambda case: f"{case['expected_per_s']:.0f}"),
    ("MB/s (10^6)", lambda case: f"{case['megabytes_per_s']:.0f}"),
    ("latency p50 / p99, ms", lambda case: f"{case['latency_p50_ms']:.0f} / {case['latency_p99_ms']:.0f}"),
    ("sockets a reader", lambda case: f"{case['sockets_per_reader']:.2f}"),
    ("CPU of the server, share of a core", lambda case: _percent(case["server_cpu_share"])),
    ("its highest RSS, MiB", lambda case: f"{case['server_rss_mb']:.0f}"),
    ("cores: load / server", lambda case: f"{_cores(case['load_cores'])} / {_cores(case['server_cores'])}"),
    ("window, s", lambda case: f"{case['window_s']:.0f}"),
    ("load average before", lambda case: f"{case['load_average']:.1f}"),
    ("Locust's exit status", lambda case: str(case["exit_status"])),
    ("carried", lambda case: "no" if case["not_carried"] else "yes"),
)


def markdown(result: Mapping[str, Any]) -> str:
    """Returns the page."""
    cases: Sequence[Case] = result["cases"]
    head = ["", *(case["name"] for case in cases)]
    rows = [head, ["---"] * len(head), *([name, *map(told, cases)] for name, told in _ROWS)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    reasons = [
        f"- {case['name']}, {case['readers']:,} readers: {case['not_carried']}."
        for case in cases
        if case["not_carried"]
    ]
    not_carried = ["", "Not carried:", "", *reasons] if reasons else []
    return "\n".join(
        ["# What a reader costs the load generator", "", *_conditions(result), "", table, *not_carried, ""]
    )


def _conditions(result: Mapping[str, Any]) -> list[str]:
    machine, chunks, versions = result["machine"], result["chunks"], result["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    measured = (
        f"Measured {result['created_at'][:10]} by `{result['command']}` at commit {result['commit'] or 'unknown'}, on "
        f"{machine['cpus']} cores ({machine['cpu_model'] or 'unknown model'}), {machine['memory_mb']:,} MB, "
        f"Linux {machine['kernel']}; {named}."
    )
    sizes = (
        f"{chunks['smallest_bytes'] / 1000:.0f} to {chunks['largest_bytes'] / 1000:.0f} kB, "
        f"median {chunks['median_bytes'] / 1000:.0f}"
    )
    read = (
        f"Readers of mode `cached` at pace 1 of one document of {chunks['count']:,} different chunks ({sizes}; "
        f"timings by the aligner `{chunks['timings_by']}`). They start within {result['ramp_s']:.0f} s and are then "
        "observed."
    )
    return [measured, "", read]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _cores(cores: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(set(cores))))
