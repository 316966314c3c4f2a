from dataclasses import replace

from loadtests.attempts import Attempts
from loadtests.speech import SpeechOrder

ONE, OTHER = SpeechOrder("one", "alloy"), SpeechOrder("other", "alloy")


def test_a_name_depends_on_order_attempt_and_seed_alone() -> None:
    """What is asked for in between changes nothing; each attempt and each seed has a name of its own."""
    alone, mixed = Attempts(seed=7), Attempts(seed=7)

    expected = [alone.next_name(ONE) for _ in range(3)]
    seen = []
    for _ in range(3):
        mixed.next_name(OTHER)
        seen.append(mixed.next_name(ONE))

    assert seen == expected
    assert len(set(expected)) == 3
    assert Attempts(seed=8).next_name(ONE) not in expected


def test_another_voice_speed_or_format_is_another_request() -> None:
    """Whatever makes another answer makes another name."""
    orders = [ONE, OTHER, replace(ONE, voice="echo"), replace(ONE, speed=1.5), replace(ONE, format="wav")]

    attempts = Attempts(seed=1)

    assert len({attempts.next_name(order) for order in orders}) == len(orders)


def test_what_is_forgotten_is_counted_from_the_first_again() -> None:
    """After `forget` the names of that order come again, those of another go on."""
    attempts = Attempts(seed=1)
    first, other = attempts.next_name(ONE), attempts.next_name(OTHER)

    attempts.forget(ONE)

    assert attempts.next_name(ONE) == first
    assert attempts.next_name(OTHER) != other
