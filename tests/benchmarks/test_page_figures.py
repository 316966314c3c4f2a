"""The page's figures: the worst visit decides, exactly at the limit it is exceeded, and the table says so."""

import pytest

from benchmarks import page
from benchmarks.page_figures import Figure, markdown


@pytest.mark.parametrize(("worst", "kept"), [(199.9, True), (200.0, False), (200.1, False)])
def test_the_worst_visit_is_held_to_the_limit(worst: float, kept: bool) -> None:  # noqa: FBT001
    """GIVEN visits of which one is at a limit THEN just below it is kept, and at it no more."""
    assert Figure("first audio", (10.0, worst, 20.0), 200.0).is_kept is kept


def test_a_figure_without_a_limit_is_always_kept() -> None:
    """GIVEN what is there to compare THEN nothing is too slow for it."""
    assert Figure("live", (60_000.0,)).is_kept


def test_the_page_has_every_figure_and_says_what_is_exceeded() -> None:
    """GIVEN one promise kept and one not THEN each has its row, with the conditions, and the second is marked."""
    figures = [
        Figure("library", (120.0, 80.0), 1000.0),
        Figure("audio", (250.4, 90.0), 200.0),
        Figure("live", (9.0,)),
    ]
    value = {
        "created_at": "2026-11-23T19:06:40+00:00",
        "command": "python -m benchmarks.page",
        "commit": "abc1234",
        "machine": {"cpus": 2, "cpu_model": "A", "memory_mb": 4096, "kernel": "6", "python": "3.11.7"},
        "conditions": {"browser": "Chromium 1"},
        "figures": [one.to_json() for one in figures],
    }
    text = markdown(value)
    assert "| library | 2 | 100 | 120 | under 1,000 |\n" in text
    assert "| audio | 2 | 170 | 250 | under 200, **exceeded** |\n" in text
    assert "| live | 1 | 9 | 9 | none |\n" in text
    assert (
        "Measured 2026-11-23 by `python -m benchmarks.page` at commit abc1234, on 2 cores (A), 4,096 MB"
        in text
    )
    assert "browser: Chromium 1." in text


def test_the_json_has_each_visit() -> None:
    """GIVEN visits THEN each is there, so that any other figure can be computed from them."""
    value = Figure("audio", (2.04, 1.0), 200.0).to_json()
    assert (value["values_ms"], value["worst_ms"], value["kept"]) == ([2.0, 1.0], 2.0, True)


@pytest.mark.parametrize("wrong", [["--visits", "0"], ["--visits", "x"], ["--live-visits", "27"]])
def test_wrong_use_is_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN an option that cannot be WHEN it is given THEN one line says so, and nothing is started."""
    with pytest.raises(SystemExit) as ended:
        page.main(wrong)
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_the_document_has_as_many_blocks_as_are_visited_live() -> None:
    """GIVEN the document THEN the server cuts it into the blocks that it is said to have."""
    assert len(page._document().split(b"\n\n")) == page.BLOCKS
