from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.swap import check_swap_counted, check_swap_fits, swap_total_mb
from profiles.vm_size import VmSize

HEADING = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
ON = f"{HEADING}/swap\\040file file 1048572 0 -2\n/dev/zram0 partition 1024 512 100\n"


def swaps(folder: Path, text: str) -> Path:
    """A made-up /proc/swaps."""
    (folder / "swaps").write_text(text)
    return folder / "swaps"


def size(swap_mb: int) -> VmSize:
    """A VM that may swap so much."""
    return VmSize(256, 2, 0.125, swap_mb)


@pytest.mark.parametrize(
    ("text", "total_mb"), [(ON, 1024), (HEADING, 0), ("", 0), (f"{HEADING}/swap file\n", None)]
)
def test_how_much_swap_is_on(tmp_path: Path, text: str, total_mb: int | None) -> None:
    """All that is on is added up; a line that is cut off leaves it unknown, which is not zero."""
    assert swap_total_mb(swaps(tmp_path, text)) == total_mb
    assert swap_total_mb(tmp_path / "none") is None


def test_a_vm_swaps_no_more_than_the_machine_has(tmp_path: Path) -> None:
    """GIVEN 1024 MB of swap THEN a VM may have that, and not one more; the line names both."""
    there = swaps(tmp_path, ON)
    check_swap_fits(size(1024), there)
    with pytest.raises(OomproofError, match=r"VM with 1025 MB of swap: .*/swaps has 1024 MB on this machine"):
        check_swap_fits(size(1025), there)


def test_swap_of_an_unknown_machine_is_refused_and_none_is_fine(tmp_path: Path) -> None:
    """GIVEN no /proc/swaps THEN a VM that swaps nothing is made."""
    check_swap_fits(size(0), tmp_path / "none")
    with pytest.raises(OomproofError, match="swap is unknown"):
        check_swap_fits(size(1), tmp_path / "none")


def test_swap_that_is_not_counted_is_refused(tmp_path: Path) -> None:
    """GIVEN swap that is on, or wanted, and a kernel that does not count it THEN nothing is measured with it."""
    on, off = swaps(tmp_path, ON), tmp_path / "none"
    check_swap_counted(size(0), counted=True, swaps=on)
    check_swap_counted(size(0), counted=False, swaps=off)
    for wanted, there in ((0, on), (512, off)):
        with pytest.raises(OomproofError, match="swapaccount=1"):
            check_swap_counted(size(wanted), counted=False, swaps=there)
