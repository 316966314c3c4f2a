import argparse
import math

import pytest

from loadtests.attempts import Attempts
from loadtests.faults import FAULTS, Fault, Faults, FaultSpec, main
from loadtests.speech import SpeechOrder

NAMES = [b"request %d" % number for number in range(1000)]


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return where it stands."""
        return self.now


def faults(*specs: str, pace: float = 1.0, clock: Clock | None = None) -> Faults:
    """Faults as the command line would have them."""
    return Faults([FaultSpec.parse(spec) for spec in specs], pace, clock or Clock())


@pytest.mark.parametrize("fault", FAULTS)
def test_every_kind_is_read_in_every_form(fault: Fault) -> None:
    """A kind alone is for every request always; a share and a window limit it."""
    assert FaultSpec.parse(fault) == FaultSpec(fault, 1.0, 0.0, math.inf)
    assert FaultSpec.parse(f"{fault}=0.1") == FaultSpec(fault, 0.1)
    assert FaultSpec.parse(f"{fault}@30-60") == FaultSpec(fault, 1.0, 30.0, 60.0)
    assert FaultSpec.parse(f"{fault}=1@0-0.5") == FaultSpec(fault, 1.0, 0.0, 0.5)
    assert main([fault, f"{fault}=0@1-2"]) == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("teapot", "no such fault"),
        ("", "no such fault"),
        ("@1-2", "no such fault"),
        ("429 ", "no such fault"),
        ("429=1.01", "the share is no number from 0 to 1"),
        ("429=-0.1", "the share is no number from 0 to 1"),
        ("429=", "the share is no number from 0 to 1"),
        ("429=nan", "the share is no number from 0 to 1"),
        ("429=a@1-2", "the share is no number from 0 to 1"),
        ("503@", "no window"),
        ("503@60-30", "no window"),
        ("503@30-30", "no window"),
        ("503@-1-30", "no window"),
        ("503@30", "no window"),
        ("503@0-inf", "no window"),
        ("503@1-2-3", "no window"),
        ("503@1-2=0.5", "no window"),
    ],
)
def test_a_bad_spec_is_named(text: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no spec is one line with the value and the way out; the command says the same and ends with 2."""
    with pytest.raises(argparse.ArgumentTypeError, match=complaint) as caught:
        FaultSpec.parse(text)
    assert repr(text) in str(caught.value)
    assert "Use " in str(caught.value)
    assert main(["hang", text]) == 2
    assert capsys.readouterr().err == f"{caught.value}\n"


def test_without_specs_nothing_goes_wrong() -> None:
    """GIVEN no spec, or a share of 0 THEN no request meets a fault."""
    assert {faults().of(name) for name in NAMES} == {None}
    assert {faults("hang=0").of(name) for name in NAMES} == {None}


def test_a_share_is_that_share_of_the_requests() -> None:
    """GIVEN 0.1 THEN about a tenth of a thousand requests meets it; GIVEN no share THEN all."""
    met = [faults("429=0.1").of(name) for name in NAMES]
    assert 70 <= met.count("429") <= 130
    assert set(met) == {"429", None}
    assert {faults("429").of(name) for name in NAMES} == {"429"}


def test_which_requests_meet_it_is_drawn_from_their_names() -> None:
    """GIVEN the same seed THEN the same requests fail in any order of arrival; another seed, other requests."""
    orders = [SpeechOrder(f"block {number}", "alloy") for number in range(200)]

    def failing(seed: int, arrivals: list[SpeechOrder]) -> set[str]:
        attempts, plan = Attempts(seed), faults("500=0.2")
        return {order.text for order in arrivals if plan.of(attempts.next_name(order))}

    assert failing(1, orders) == failing(1, orders[::-1])
    assert failing(1, orders) != failing(2, orders)


def test_the_first_spec_that_hits_decides() -> None:
    """GIVEN several specs THEN each is drawn by itself, and the first decides."""
    assert {faults("429", "500").of(name) for name in NAMES} == {"429"}
    met = [faults("429=0.5", "500=0.5").of(name) for name in NAMES]
    assert 420 <= met.count("429") <= 580
    assert 190 <= met.count("500") <= 310
    assert 190 <= met.count(None) <= 310


def test_a_window_is_session_time_since_the_first_request() -> None:
    """GIVEN 30-60 at pace 5 THEN it is from 6 s to 12 s after the first request, its end outside."""
    clock = Clock()
    plan = faults("503@30-60", pace=5, clock=clock)
    clock.now = 5000.0  # whatever passes before the first request does not count
    seen = []
    for after_s in (0.0, 5.99, 6.0, 11.99, 12.0):
        clock.now = 5000.0 + after_s
        seen.append(plan.of(b"name"))
    assert seen == [None, None, "503", "503", None]


def test_a_restart_starts_the_window_again() -> None:
    """GIVEN a schedule that is over WHEN it is restarted THEN the next request is its first."""
    clock = Clock()
    plan = faults("503@0-10", clock=clock)
    assert plan.of(b"first") == "503"
    clock.now += 10
    assert plan.of(b"later") is None
    plan.restart()
    assert plan.of(b"again") == "503"
