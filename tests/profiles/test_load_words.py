import pytest

from loadtests.faults import FAULTS
from loadtests.mixes import MIXES
from profiles import load_words
from profiles.errors import RunError
from profiles.load_words import check_fault, check_latency, mix_kinds


@pytest.mark.parametrize("name", MIXES)
def test_every_mix_is_known(name: str) -> None:
    """The load says which kinds read in a mix; those with weight 0 do not."""
    assert mix_kinds(name) == (name,)
    assert mix_kinds(",".join(f"{other}={int(other == name)}" for other in MIXES)) == (name,)


def test_latencies_and_faults_are_known() -> None:
    """What the upstream takes is given back as it is."""
    assert check_latency("0.5-1") == "0.5-1"
    assert [check_fault(f"{fault}=0.1@1-2") for fault in FAULTS] == [f"{fault}=0.1@1-2" for fault in FAULTS]


def test_a_refusal_is_the_load_s_own_without_the_value() -> None:
    """GIVEN what the load refuses THEN its reason and way out; whoever shows it names key and value."""
    with pytest.raises(ValueError, match=r"^no such fault\. Use one of 429, .*, hang$"):
        check_fault("teapot")
    with pytest.raises(ValueError, match=r"^no range of seconds\. Use .* such as 2-5$"):
        check_latency("--help")
    with pytest.raises(ValueError, match="is no mix"):
        mix_kinds("")


def test_a_load_that_is_broken_is_no_mistake_of_the_user_s() -> None:
    """GIVEN a module that cannot be run THEN that is said, and not that the value is wrong."""
    with pytest.raises(RunError, match=r"^loadtests\.nothing x: ended with status 1: .*No module named"):
        load_words._asked("loadtests.nothing", "x")
