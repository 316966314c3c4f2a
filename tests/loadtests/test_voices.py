import pytest

from loadtests.chapters import Voice
from loadtests.voices import VOICES, voices_of_a_run


@pytest.mark.parametrize("name", VOICES)
@pytest.mark.parametrize("speed", [1.0, 1.25, 0.8])
def test_a_run_has_another_voice_and_another_speed(name: str, speed: float) -> None:
    """After the first come another voice at its speed and its voice at another speed, which the upstream has."""
    first = Voice(name, speed)
    started, other_voice, other_speed = voices_of_a_run(first)
    assert started == first
    assert other_voice.name in {"alloy", "nova"} - {name}
    assert other_voice.name in VOICES
    assert other_voice.speed == speed
    assert other_speed.name == name
    assert other_speed.speed in {1.0, 1.25} - {speed}
