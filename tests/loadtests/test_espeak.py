import re
import threading

import pytest

from loadtests.espeak import SpeechEngineError, synthesize

PROSE = (
    "The execution of the “with” statement with one item proceeds as follows: the context expression is "
    "evaluated to obtain a context manager. The context manager is loaded for later use. If a target was "
    "included in the “with” statement, the return value is assigned to it. The suite is executed. If an "
    "exception caused the suite to be exited, its type, value, and traceback are passed as arguments to "
    "exit. Otherwise, three None arguments are supplied."
)


def spoken_words(text: str) -> list[str]:
    """Return the slices of the text that the word events point at."""
    return [text[word.char_start : word.char_start + word.length] for word in synthesize(text).words]


def test_a_full_block_lasts_as_long_as_openai_would_speak_it() -> None:
    """A block of about 450 characters is 27-31 s of 16-bit mono speech."""
    speech = synthesize(PROSE)

    assert 440 <= len(PROSE) <= 450
    assert speech.sample_rate_hz == 22050
    assert 27 <= speech.duration_s <= 31
    assert len(speech.pcm) == 2 * round(speech.duration_s * speech.sample_rate_hz)


def test_the_words_of_prose_are_timed_in_order() -> None:
    """Events point at whole words, in reading order, inside the audio; the engine joins a few."""
    speech = synthesize(PROSE)

    words = [(match.start(), len(match[0])) for match in re.finditer(r"\w+", PROSE)]
    timed = [(word.char_start, word.length) for word in speech.words]
    assert timed == [word for word in words if word in timed]
    assert len(timed) >= 0.95 * len(words)
    starts_s = [word.start_s for word in speech.words]
    assert starts_s == sorted(set(starts_s))
    assert starts_s[0] >= 0
    assert starts_s[-1] < speech.duration_s


def test_positions_index_the_python_string() -> None:
    """Characters outside ASCII, and outside 16 bits, count as one."""
    text = "Café “naïve” \U0001f600 then \u2018déjà là\u2019 and ünïcode. Ça va."

    assert spoken_words(text) == ["Café", "naïve", "then", "déjà", "là", "and", "ünïcode", "Ça", "va"]


def test_a_number_is_one_word() -> None:
    """A number that the engine reads as many words keeps one event, over all its digits."""
    assert spoken_words("It is 1,234.5 or 2616 of them.") == [
        "It",
        "is",
        "1,234.5",
        "or",
        "2616",
        "of",
        "them",
    ]


@pytest.mark.parametrize("text", ["one\0two", "one \ud800two", "", " ", "…"])
def test_odd_text_is_spoken_without_losing_what_follows(text: str) -> None:
    """NUL, a lone surrogate and emptiness neither fail nor swallow the rest."""
    assert [word for word in spoken_words(text) if word in {"one", "two"}] == (
        ["one", "two"] if "one" in text else []
    )


def test_speed_shortens_the_speech() -> None:
    """Twice the speed is about half the time; outside the engine's range it is the nearest speed."""
    normal_s = synthesize(PROSE).duration_s

    assert synthesize(PROSE, speed=2).duration_s == pytest.approx(normal_s / 2, rel=0.1)
    assert synthesize(PROSE, speed=4).duration_s == pytest.approx(
        synthesize(PROSE, speed=3).duration_s, rel=0.01
    )


def test_voices_differ_and_a_setting_does_not_stick() -> None:
    """Voice names of OpenAI and of the engine are taken, and one call leaves no trace in the next."""
    before = synthesize("Bonjour tout le monde").duration_s

    assert synthesize("Bonjour tout le monde", "fr").duration_s != pytest.approx(before, rel=0.02)
    assert synthesize("Bonjour tout le monde", "onyx", 0.5).duration_s > 1.5 * before
    assert synthesize("Bonjour tout le monde", "alloy").duration_s == pytest.approx(before, rel=0.02)


def test_unknown_voice_is_named() -> None:
    """A voice that the engine does not have is an error that names it."""
    with pytest.raises(SpeechEngineError, match="nobody"):
        synthesize("text", "nobody")


def test_threads_take_turns() -> None:
    """Speech asked for by several threads at once is all made, and words do not mix."""
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(synthesize("One two three four.").words)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts == [4] * 8
