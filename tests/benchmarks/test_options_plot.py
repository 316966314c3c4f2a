"""The pictures of the options: what stands above one panel does not run into the next."""

from itertools import pairwise
from pathlib import Path

from benchmarks.options_plot import memory_figure
from benchmarks.options_runs import read_runs
from tests.benchmarks.option_folders import CHILDREN_ONLY, KILLED, make_run


def test_ends_of_many_kinds_stand_above_their_own_panel(tmp_path: Path) -> None:
    """GIVEN repetitions that ended in two ways WHEN they are drawn THEN no head touches its neighbour's or its own."""
    make_run(tmp_path, "balance-5/live-1", CHILDREN_ONLY)
    make_run(tmp_path, "balance-5/live-2", KILLED, killed_after_s=233.1)
    make_run(tmp_path, "balance-5/live-3", KILLED, killed_after_s=493.7)
    make_run(tmp_path, "balance-5/live-8gb-1", KILLED, vm_cpu=4.0, vm_memory_mb=8192.0, killed_after_s=551.0)
    make_run(tmp_path, "balance-5/cached-1")
    found = read_runs(tmp_path)
    figure = memory_figure(found.groups(), found)
    figure.draw_without_rendering()
    heads = [[*axes.texts, axes.title] for axes in figure.axes if axes.get_visible()]
    boxes = [[head.get_window_extent() for head in panel] for panel in heads]
    for left, right in pairwise(boxes):
        assert max(box.x1 for box in left) < min(box.x0 for box in right)
    for panel in boxes:
        first, *others = sorted(panel, key=lambda box: -box.y0)
        for above, below in pairwise([first, *others]):
            assert below.y1 <= above.y0 + 1
    assert max(box.y1 for panel in boxes for box in panel) < figure.legends[0].get_window_extent().y0
