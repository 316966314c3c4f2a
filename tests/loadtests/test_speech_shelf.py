import gc
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lameenc import Encoder

from loadtests.speech_shelf import SpeechShelf, UnplayableError, encode_timings_body, mp3_duration_s


def silence_mp3(seconds: float, kbps: int) -> bytes:
    """Silence as a mono MP3 of that bit rate."""
    encoder = Encoder()
    encoder.silence()
    encoder.set_bit_rate(kbps)
    encoder.set_in_sample_rate(24_000)
    encoder.set_channels(1)
    return bytes(encoder.encode(bytes(2 * int(24_000 * seconds))) + encoder.flush())


@pytest.mark.parametrize("kbps", [32, 64, 128, 160])
@pytest.mark.parametrize("seconds", [0.5, 30])
def test_duration_is_right_at_any_bit_rate(kbps: int, seconds: float) -> None:
    """The playing time is the audio's own, but for the encoder's padding of under 0.1 s."""
    assert seconds <= mp3_duration_s(silence_mp3(seconds, kbps)) < seconds + 0.1


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", bytes(5000)])
def test_what_is_no_mp3_is_unplayable(data: bytes) -> None:
    """An empty body, a web page and zeros have no playing time."""
    with pytest.raises(UnplayableError):
        mp3_duration_s(data)


@given(st.text(max_size=20), st.binary(max_size=300))
def test_a_timings_body_is_the_text_and_every_byte_as_a_number(text: str, data: bytes) -> None:
    """The body decodes to the text and the MP3, byte for byte."""
    assert json.loads(encode_timings_body(text, data)) == {"text": text, "audio": list(data)}


def test_equal_audio_is_held_once_and_let_go_with_its_last_reader() -> None:
    """Two readers with equal bytes hold one key, and the shelf one copy; when both let go it is gone."""
    shelf = SpeechShelf(max_body_bytes=1000)
    one, other = shelf.keep(bytes([1, 2, 3])), shelf.keep(bytes([1, 2, 3]))
    assert one is other
    assert list(shelf._audio.values()) == [bytes([1, 2, 3])]
    del one, other
    gc.collect()
    assert (len(shelf._audio), len(shelf._keys)) == (0, 0)


def test_a_body_is_encoded_once_and_bounded() -> None:
    """Asking twice gives the very same bytes; beyond the bound the least recently used leaves."""
    shelf = SpeechShelf(max_body_bytes=60)
    first, second, large = shelf.keep(b"abc"), shelf.keep(b"xyz"), shelf.keep(bytes(200))
    body = shelf.timings_body("t", first)
    assert shelf.timings_body("t", first) is body
    assert len(shelf.timings_body("t", large)) > 60
    assert shelf.timings_body("t", first) is body
    shelf.timings_body("t", second)
    assert shelf._bodies.currsize <= 60
    assert shelf.timings_body("t", first) is not body
