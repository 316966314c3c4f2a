import asyncio
import io
import wave
from array import array

import miniaudio
import pytest
from tinytag import TinyTag

from loadtests.espeak import SpeechEngineError, synthesize
from loadtests.speech import ENCODER_DELAY_SAMPLES, SpeechMemo, SpeechOrder, encode_mp3, make_speech

BLOCK = (
    "The execution of the with statement with one item proceeds as follows: the context expression is "
    "evaluated to obtain a context manager. The context manager is loaded for later use. If a target was "
    "included in the with statement, the return value is assigned to it. The suite is executed. If an "
    "exception caused the suite to be exited, its type, value, and traceback are passed as arguments to "
    "exit. Otherwise, three none arguments are supplied."
)


def test_a_full_block_is_an_mp3_of_the_size_and_rate_of_openai() -> None:
    """450 characters are 430-520 kB of mono MP3 at 128 kb/s whose duration is that of the samples."""
    speech = synthesize(BLOCK)

    content = encode_mp3(speech.pcm, speech.sample_rate_hz)

    tag = TinyTag.get("block.mp3", file_obj=io.BytesIO(content))
    assert 430_000 <= len(content) <= 520_000
    assert tag.bitrate == 128
    assert tag.channels == 1
    assert tag.samplerate == speech.sample_rate_hz
    assert tag.duration == pytest.approx(speech.duration_s, abs=0.15)


def test_the_decoded_mp3_is_the_speech_after_the_stated_delay() -> None:
    """What is decoded is audible, and is the samples that went in, later by the encoder's delay."""
    speech = synthesize("Party.")
    decoded = miniaudio.decode(
        encode_mp3(speech.pcm, speech.sample_rate_hz), nchannels=1, sample_rate=speech.sample_rate_hz
    ).samples
    original = array("h", speech.pcm)

    def difference(delay: int) -> int:
        return sum(abs(original[i] - decoded[i + delay]) for i in range(len(original) - 1))

    assert max(original) > 3000
    assert difference(ENCODER_DELAY_SAMPLES) == min(
        difference(ENCODER_DELAY_SAMPLES + shift) for shift in range(-20, 21, 4)
    )
    assert difference(ENCODER_DELAY_SAMPLES) < 0.1 * sum(map(abs, original))


def test_the_same_samples_give_the_same_bytes() -> None:
    """Encoding is deterministic."""
    speech = synthesize("The same words.")

    assert encode_mp3(speech.pcm, speech.sample_rate_hz) == encode_mp3(speech.pcm, speech.sample_rate_hz)


def test_wav_and_pcm_hold_the_samples() -> None:
    """WAV carries its rate in its header, PCM nothing but 16-bit samples."""
    wav = make_speech(SpeechOrder("Some words.", "alloy", 1.0, "wav"))
    pcm = make_speech(SpeechOrder("Some words.", "alloy", 1.0, "pcm"))

    with wave.open(io.BytesIO(wav.content)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 22050)
        assert reader.getnframes() / 22050 == pytest.approx(wav.audio_s)
    assert len(pcm.content) == round(2 * 22050 * pcm.audio_s)


def test_the_memo_makes_each_order_once() -> None:
    """Equal orders share the work and the bytes, at once or later; another voice is another order."""

    async def scenario() -> None:
        memo = SpeechMemo(10_000_000)
        order = SpeechOrder("Say it once.", "alloy")

        first, second = await asyncio.gather(memo.speech(order), memo.speech(order))
        third = await memo.speech(order)

        assert first is second is third
        assert memo.synthesised == 1
        assert memo.bytes_held == len(first.content)
        await memo.speech(SpeechOrder("Say it once.", "echo"))
        assert memo.synthesised == 2
        memo.close()

    asyncio.run(scenario())


def test_the_memo_stays_within_its_size() -> None:
    """One byte too many pushes out the least recently used; exactly full pushes out nothing."""
    orders = [SpeechOrder(f"Number {name}.", "alloy", 1.0, "pcm") for name in ("one", "two")]

    async def held(max_bytes: int) -> list[bool]:
        memo = SpeechMemo(max_bytes)
        for order in orders:
            await memo.speech(order)
        memo.close()
        assert memo.bytes_held <= max_bytes
        return [order in memo for order in orders]

    async def sizes() -> int:
        memo = SpeechMemo(10_000_000)
        total = sum([len((await memo.speech(order)).content) for order in orders])
        memo.close()
        return total

    # The engine's length wavers by up to 20 ms, 882 bytes, a word.
    total = asyncio.run(sizes())
    assert asyncio.run(held(total + 4000)) == [True, True]
    assert asyncio.run(held(total - 4000)) == [False, True]
    assert asyncio.run(held(10)) == [False, False]


def test_a_waiter_that_leaves_does_not_spoil_the_work() -> None:
    """A cancelled order goes on being made, for whoever asks next."""

    async def scenario() -> None:
        memo = SpeechMemo(10_000_000)
        order = SpeechOrder("Left in the middle.", "alloy")
        leaver = asyncio.create_task(memo.speech(order))
        await asyncio.sleep(0)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver

        await memo.speech(order)

        assert memo.synthesised == 1
        memo.close()

    asyncio.run(scenario())


def test_a_failed_order_is_not_kept() -> None:
    """The engine's error reaches who asked, and the next order is tried anew."""

    async def scenario() -> None:
        memo = SpeechMemo(10_000_000)
        for _ in range(2):
            with pytest.raises(SpeechEngineError):
                await memo.speech(SpeechOrder("text", "nobody"))
        assert memo.bytes_held == 0
        memo.close()

    asyncio.run(scenario())
