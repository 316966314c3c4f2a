"""The pictures of a result: what is in them is what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.suite.case_plot import case_figure
from benchmarks.suite.growth_plot import growth_figure
from benchmarks.suite.growth_series import series_of
from benchmarks.suite.plots import draw, overview_figure
from benchmarks.suite.strips import Strip, strips
from tests.benchmarks.suite import results

STORE = results.case("store_scale", results.STORED)


def figure(setting: str, quantity: str, unit: str = "ms") -> dict[str, Any]:
    """A figure of one round."""
    told = {"median": 2.0, "low": 1.0, "high": 3.0, "values": [1.0, 2.0, 3.0]}
    return {"subject": "oomproof", "setting": setting, "quantity": quantity, "unit": unit, **told}


def words(picture: Any) -> str:
    """Everything that is written in a picture."""
    return "\n".join(text.get_text() for text in picture.findobj(lambda one: hasattr(one, "get_text")))


def points(line: Any) -> list[tuple[float, float]]:
    """The points of a line in a picture."""
    return [(float(x), float(y)) for x, y in line.get_xydata()]


def test_quantities_over_a_number_are_curves_and_others_dots() -> None:
    """GIVEN a quantity over numbers of chunks, and one under settings THEN the first has an axis that counts chunks."""
    found = [figure("100 chunks", "scan"), figure("10,000 chunks", "scan"), figure("idle", "CPU")]
    assert strips(found) == [Strip(("scan (ms)",), (), "chunk"), Strip(("CPU (ms)",), ("idle",), None)]


def test_one_number_alone_is_a_setting() -> None:
    """GIVEN a quantity measured at one number THEN there is no curve through it."""
    assert strips([figure("100 chunks", "scan")]) == [Strip(("scan (ms)",), ("100 chunks",), None)]


def test_four_quantities_have_two_strips() -> None:
    """GIVEN more quantities of the same settings than stand side by side THEN they go on below."""
    found = [figure("idle", quantity) for quantity in "abcd"]
    assert [len(strip.quantities) for strip in strips(found)] == [3, 1]


def test_a_cases_picture_names_what_it_shows() -> None:
    """GIVEN a case THEN quantities, settings and subjects are written in its picture."""
    said = words(case_figure(results.case("chunk_serving")))
    assert all(
        word in said for word in ("requests/s", "CPU a request (us)", "16 connections", "oomproof", "nginx")
    )


def test_a_curve_has_its_medians_at_its_numbers() -> None:
    """GIVEN a quantity at three numbers of chunks THEN its line goes through the medians, over these numbers."""
    (axes,) = case_figure(STORE).axes
    assert [points(line) for line in axes.lines] == [[(100, 22), (10_000, 220), (200_000, 4020)]]


def test_the_overview_has_a_line_for_each_peer() -> None:
    """GIVEN a result THEN case, quantity, peer and ratio are written, and the dot is at the ratio."""
    picture = overview_figure(results.result())
    said = words(picture)
    assert all(word in said for word in ("Chunk serving: requests/s, 16 connections", "nginx", "0.610"))
    dots = [points(line) for line in picture.axes[0].lines if line.get_marker() == "o"]
    assert [[x for x, _ in dot] for dot in dots] == [[0.61]]


def test_the_picture_of_growth_has_the_formula() -> None:
    """GIVEN a scan that follows a line THEN the panel says so, and its line goes through what was measured."""
    picture = growth_figure(list(series_of(results.result([STORE]))))
    assert "20.0 + 0.0200 n ms" in words(picture)
    line = points(picture.axes[0].lines[0])
    assert line[0] == pytest.approx((100, 22))
    assert line[-1] == pytest.approx((200_000, 4020))


def test_only_what_can_be_seen_is_drawn(tmp_path: Path) -> None:
    """GIVEN a case without figures THEN it has no picture; GIVEN no ratio and no growth THEN neither has either."""
    failed = results.case("splitter", None, "no PDF here")
    assert draw(results.result([failed]), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    assert draw(results.result([STORE, failed]), tmp_path) == ["store_scale", "growth"]


def test_the_same_result_gives_the_same_pictures(tmp_path: Path) -> None:
    """GIVEN a result drawn twice THEN the pictures are the same bytes, so that a change in them is one of figures."""
    value = results.result([results.case("chunk_serving"), STORE])
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        draw(value, tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two
