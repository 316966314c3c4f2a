"""How every picture looks, and how it becomes an SVG that is the same bytes for the same figures.

matplotlib loads only when something is drawn: it takes half a second that only a report should pay.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from profiles.plot_panel import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COORDINATES = re.compile(r'\b(?:d|x|y|transform)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "oomproof",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def svg_text(figure: Figure, **options: Any) -> str:
    """Return the figure as SVG; `options` are those of matplotlib's `savefig`."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, **options)
    # A hundredth of a point is finer than any screen; the six decimals written are half of the file.
    return _COORDINATES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), out.getvalue())


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Return an empty figure that is drawn without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    figure = Figure(figsize=(width_inches, height_inches))
    FigureCanvasAgg(figure)
    return figure
