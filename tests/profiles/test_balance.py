from hypothesis import given
from hypothesis import strategies as st

from profiles.balance import CpuBalance
from profiles.vm_size import VmSize

SHARED_2X = VmSize(4096, 2, 0.125)


def test_a_busy_vm_spends_its_balance_and_is_held_to_its_share() -> None:
    """GIVEN 5 s saved WHEN two vCPUs run flat out THEN the burst lasts 5 / (2 - 0.125) s."""
    balance = CpuBalance(SHARED_2X, 5.0)
    ticks = 0
    while not balance.throttled:
        balance.update(ticks / 10, cpu_s=2 * ticks / 10)
        ticks += 1
    assert abs((ticks - 1) / 10 - 5 / 1.875) <= 0.1
    assert balance.cpus == 0.125


def test_an_idle_vm_saves_its_share_and_bursts_again() -> None:
    """GIVEN a spent balance WHEN the VM idles THEN it bursts again once half a second is saved."""
    balance = CpuBalance(SHARED_2X, 0.0)
    balance.update(0.0, 0.0)
    assert balance.throttled
    assert not balance.update(3.9, 0.0)
    assert balance.update(4.1, 0.0)
    assert balance.cpus == 2.0


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0, 200)), max_size=50), st.floats(0, 500))
def test_the_balance_stays_between_nothing_and_500_s(steps: list[tuple[float, float]], start: float) -> None:
    """Whatever is used, Fly saves at most 500 s and lends nothing."""
    balance = CpuBalance(SHARED_2X, start)
    t = cpu_s = 0.0
    for wait_s, used_s in steps:
        t, cpu_s = t + wait_s, cpu_s + used_s
        balance.update(t, cpu_s)
        assert 0.0 <= balance.balance_s <= 500.0
