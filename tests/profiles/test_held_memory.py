import os
from pathlib import Path

import pytest

from profiles.held_memory import badness, parse_status, read_held, read_score_adjustment

KB = 1024
STATUS = b"""Name:\tpy (thon)\\040x
Umask:\t0022
State:\tS (sleeping)
VmRSS:\t     500 kB
RssAnon:\t     300 kB
RssFile:\t     150 kB
RssShmem:\t      50 kB
VmPTE:\t      20 kB
VmSwap:\t       7 kB
HugetlbPages:\t       0 kB
"""


def test_what_counts_is_anonymous_shared_and_swapped_memory() -> None:
    """GIVEN a status file THEN the limit counts what cannot be given back, and the choice of a victim all of it."""
    held = parse_status(STATUS)
    assert held is not None
    assert held.name == "py (thon)\\040x"
    assert (held.anon_bytes, held.counted_bytes, held.rss_bytes) == (300 * KB, 357 * KB, 500 * KB)
    assert held.weight_bytes == 527 * KB


@pytest.mark.parametrize(
    "text",
    [b"", b"Name:\tkthreadd\nState:\tS\n", STATUS.replace(b"RssAnon", b"X"), STATUS.replace(b"300", b"x")],
)
def test_without_its_lines_nothing_is_known(text: bytes) -> None:
    """GIVEN a kernel thread, an ended process, an old kernel or a broken line THEN it is None, and never zero."""
    assert parse_status(text) is None


def test_every_cut_off_status_is_read_or_refused() -> None:
    """GIVEN a status file cut off anywhere THEN nothing raises."""
    for end in range(len(STATUS)):
        parse_status(STATUS[:end])


def test_the_score_adjustment_weighs_as_the_kernels(tmp_path: Path) -> None:
    """GIVEN oom_score_adj THEN it adds thousandths of the limit; -1000 is never killed, unknown is 0."""
    held = parse_status(STATUS)
    assert held is not None
    assert badness(held, 0, 1_000_000) == 527 * KB
    assert badness(held, -500, 1_000_000) == 527 * KB - 500_000
    assert badness(held, -1000, 1_000_000) is None
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "oom_score_adj").write_text("-17\n")
    assert read_score_adjustment(tmp_path, 7) == -17
    assert read_score_adjustment(tmp_path, 8) == 0


def test_our_own_process_is_read() -> None:
    """GIVEN this process THEN it holds some megabytes; a pid that is not there holds nothing known."""
    held = read_held(Path("/proc"), os.getpid())
    assert held is not None
    assert held.counted_bytes > 4_000_000
    assert read_held(Path("/proc"), 2**22 + 1) is None
