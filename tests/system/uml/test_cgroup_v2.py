"""What is tested on this machine's own control groups, once more on a cgroup v2 that is real."""

from pathlib import Path

import pytest

from tests.system.uml.guests import HERE, PYTEST, USER, InGuest, kills, passed

pytestmark = pytest.mark.slow

REAL_VMS = "tests/system/test_vm.py"
WITHOUT_ROOT = (
    "test_the_kernel_kills_the_server_at_the_limit_and_it_is_named",
    "test_a_child_that_is_killed_is_told_from_the_server",
    "test_a_killed_owner_leaves_nothing_behind_either",
    "test_a_vm_left_by_a_dead_owner_is_removed_by_the_next",
    "test_a_spent_balance_holds_the_vm_to_its_share",
)


def test_real_vms_keep_their_promises_on_cgroup_v2(in_guest: InGuest, folder: Path) -> None:
    """GIVEN a kernel with cgroup v2 WHEN root runs the tests of real VMs and of the recorder THEN all of them pass."""
    printed = in_guest(*PYTEST, REAL_VMS, "tests/system/test_recorder.py", memory_mb=900)
    assert passed(printed) >= 15
    assert len(kills(folder)) >= 3


def test_an_ordinary_user_has_a_real_limit_in_a_subtree_of_their_own(in_guest: InGuest, folder: Path) -> None:
    """GIVEN a control group that was given to a user WHEN that user makes VMs THEN the kernel kills there too."""
    tests = [f"{REAL_VMS}::{name}" for name in WITHOUT_ROOT]
    printed = in_guest("sh", HERE / "delegated.sh", folder, *PYTEST, *tests, memory_mb=768)
    assert passed(printed) == len(WITHOUT_ROOT)
    assert len(kills(folder)) == 2
    assert all(f"UID:{USER} " in line and "Memory cgroup" in line for line in kills(folder))
