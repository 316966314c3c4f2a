"""A capacity report as one Markdown page, with the picture beside it as `capacity.svg`."""

from __future__ import annotations

from collections.abc import Sequence

from profiles.capacity import Capacity
from profiles.capacity_conditions import capacity_conditions, limits
from profiles.capacity_text import AT_PACE_1, COLUMNS, TITLE, headline, picture, reasons, table_rows
from profiles.report_markdown import condition, plain


def markdown(capacities: Sequence[Capacity]) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    parts = [
        f"# {TITLE}",
        f"**{plain(headline(capacities))}**",
        "\n".join(_reasons(capacity) for capacity in capacities),
        f"![{plain(headline(capacities))}](capacity.svg)",
        picture(capacities[0].aim),
        "## Runs",
        *(_runs(capacity) for capacity in capacities),
        AT_PACE_1,
        "## Conditions",
        "\n".join(condition(label, values) for label, values in capacity_conditions(capacities)),
        "## What these numbers cannot tell",
        "\n".join(f"- {limit}" for limit in limits(capacities[0].aim)),
        "Every run's figures and conditions are in [capacity.json](capacity.json).",
    ]
    return "\n\n".join(parts) + "\n"


def _reasons(capacity: Capacity) -> str:
    return "\n".join(f"- {plain(capacity.scenario)}, {plain(line)}" for line in reasons(capacity))


def _runs(capacity: Capacity) -> str:
    rule = ["---:", "---:", "---", *("---:" for _ in COLUMNS[3:])]
    lines = [_line(COLUMNS), f"| {' | '.join(rule)} |", *(_line(row) for row in table_rows(capacity))]
    return f"{plain(capacity.scenario)}:\n\n" + "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(plain(cell) for cell in cells)} |"
