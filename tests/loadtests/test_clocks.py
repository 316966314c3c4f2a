from loadtests.clocks import Clock


def test_processes_of_one_boot_share_a_clock() -> None:
    """No shift, though they never ask both clocks in the same instant."""
    assert Clock("boot", 1000.0).shift_to(Clock("boot", 1000.2)) == 0.0
    ours = Clock.of_this_machine()
    assert ours.shift_to(Clock.of_this_machine()) == 0.0


def test_another_machines_times_are_moved_by_its_wall_clock() -> None:
    """A worker that booted 400 s after the master shows 400 s less at the same moment."""
    master, worker = Clock("a", 1_000_000.0), Clock("b", 1_000_400.0)
    at_master_s = 5000.0
    at_worker_s = at_master_s + master.wall_ahead_s - worker.wall_ahead_s
    assert at_worker_s == 4600.0
    assert at_worker_s + worker.shift_to(master) == at_master_s


def test_a_container_with_a_clock_of_its_own_is_another_machine() -> None:
    """The kernel is the same, its monotonic clock is not."""
    assert Clock("boot", 1500.0).shift_to(Clock("boot", 500.0)) == 1000.0


def test_a_kernel_that_names_no_boot_is_taken_for_another_machine() -> None:
    """Then the wall clock decides, which on the same machine comes to the same."""
    assert Clock("", 50.0).shift_to(Clock("", 49.5)) == 0.5
