"""What the runs of the options had in common, and where they differed: machine, commit, document, upstream, when."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.options_commit import measured_commit
from benchmarks.options_runs import Found, OptionRun, most_at_once
from profiles.comparison import Comparison
from profiles.report_conditions import condition_rows

UNKNOWN = "unknown"
_LEFT_OUT = ("Measured", "Heap", "Budget")


def conditions(found: Found, commit: str | None = None) -> dict[str, Any]:
    """Return them as `options.json` has them; `commit` is the measured state where the caller knows it.

    `shared` has every condition with its values, and which options had each where there are several.
    """
    runs = found.runs
    began, ended = [a for a, _ in found.spans], [b for _, b in found.spans]
    return {
        "machine": next((machine for run in runs if (machine := _machine(run))), {}),
        "commits": [commit] if commit else sorted({measured_commit(run.folder) or UNKNOWN for run in runs}),
        "versions": next((run.folder.run["versions"] for run in runs if "versions" in run.folder.run), {}),
        "from": min(began).isoformat() if began else None,
        "to": max(ended).isoformat() if ended else None,
        "most_runs_at_once": most_at_once(found.spans),
        "shared": shared(runs),
    }


def shared(runs: Sequence[OptionRun]) -> dict[str, dict[str, list[str]]]:
    """Return of every condition its values, and the options that had each."""
    found: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        for label, values in condition_rows(Comparison("", (run.record,), (run.folder.run,))):
            if label not in _LEFT_OUT:
                options = found.setdefault(label, {}).setdefault(values[0], [])
                if run.cell.option.name not in options:
                    options.append(run.cell.option.name)
    return found


def condition_lines(result: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Return label and values of every condition, for a page."""
    commits = ", ".join(result["commits"]) or UNKNOWN
    lines: list[tuple[str, tuple[str, ...]]] = [
        ("Measured", (f"{result['from']} to {result['to']}",)),
        ("Runs at once", (f"at most {result['most_runs_at_once']}",)),
        ("Commit", (commits,)),
    ]
    for label, values in result["shared"].items():
        told = values if len(values) == 1 else [f"{value}: {', '.join(who)}" for value, who in values.items()]
        lines.append((label, tuple(told)))
    return lines


def _machine(run: OptionRun) -> Mapping[str, Any]:
    found = run.folder.run.get("machine")
    return found if isinstance(found, dict) else {}
