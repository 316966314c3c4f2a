import pytest

from profiles.duty_cycle import PERIOD_S, SHORTEST_SLICE_S, DutyCycle


def share_used(
    cpus: float, machine_cpus: int, wants: float, *, look_s: float, length_s: float = 20.0
) -> float:
    """The cores' worth that processes get which want `wants` cores, when looked at as often as asked for."""
    duty = DutyCycle(cpus, machine_cpus)
    t = used = 0.0
    while t < length_s:
        duty.update(t, used)
        step = min(look_s, duty.next_s)
        used += 0.0 if duty.stopped else wants * step
        t += step
    return used / length_s


@pytest.mark.parametrize("cpus", [0.0625, 0.125, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("look_s", [0.004, 0.02, 0.3])
def test_the_share_holds_over_seconds(cpus: float, look_s: float) -> None:
    """GIVEN processes that want two cores THEN they get their share, however often anybody looks."""
    assert share_used(cpus, 2, 2.0, look_s=look_s) == pytest.approx(cpus, rel=0.06)


def test_who_wants_less_is_left_alone() -> None:
    """GIVEN processes that want less than their share THEN they get all of it but their first period."""
    assert share_used(0.5, 2, 0.4, look_s=0.02) == pytest.approx(0.4, rel=0.02)


def test_with_the_machines_cpus_nobody_is_stopped() -> None:
    """GIVEN a share as large as the machine THEN nobody is ever stopped, and no look is asked for."""
    duty = DutyCycle(2.0, 2)
    for step in range(100):
        duty.update(step * 0.02, step * 0.04)
        assert not duty.stopped
    assert duty.next_s == float("inf")
    assert duty.stopped_s == 0.0


def stopped_after(duty: DutyCycle, t: float, cpu_s: float) -> bool:
    """Whether they have to wait from time `t` on."""
    duty.update(t, cpu_s)
    return duty.stopped


def test_raised_again_they_run_at_once() -> None:
    """GIVEN stopped processes WHEN the share is raised to the machine's THEN they run, with no debt."""
    duty = DutyCycle(0.125, 2)
    duty.update(0.0, 0.0)
    assert stopped_after(duty, 1.0, 2.0)
    duty.cpus = 2.0
    assert not stopped_after(duty, 1.02, 2.0)


def test_waiting_is_counted_and_paid_back() -> None:
    """GIVEN a look that came late THEN what was used beyond the share is waited for, and that time is told."""
    duty = DutyCycle(0.5, 2)
    assert stopped_after(duty, 0.0, 0.0)
    assert not stopped_after(duty, PERIOD_S, 0.0)
    assert stopped_after(duty, PERIOD_S + 0.5, 1.0)  # half a second of two cores, of which a quarter was due
    assert duty.next_s == pytest.approx((1.0 - 0.25) / 0.5, rel=0.01)
    assert duty.stopped_s == pytest.approx(PERIOD_S)
    assert duty.next_s >= SHORTEST_SLICE_S
