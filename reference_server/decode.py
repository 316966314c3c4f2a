"""The decoder process: compressed audio to the 16 kHz mono WAV that aligners listen to.

`python -m reference_server.decode in.mp3 out.wav`. Imports little: one is started per live request.
"""

import argparse
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    # miniaudio loads numpy where it finds it, without need: 16 MB and 0.2 CPU seconds of every live request.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # the documented way to say "not here"

import miniaudio

SAMPLE_RATE_HZ = 16_000
_BYTES_PER_SAMPLE = 2


def decode(audio: Path) -> bytes:
    """Return a file's sound as mono signed 16-bit samples at `SAMPLE_RATE_HZ`.

    The silence that an MP3 encoder puts in front stays, as it does in a player: times are those of the file.

    Raises:
        ValueError: the file holds no sound that can be decoded.
        OSError: the file cannot be read.
    """
    try:
        sound = miniaudio.decode(
            audio.read_bytes(), miniaudio.SampleFormat.SIGNED16, nchannels=1, sample_rate=SAMPLE_RATE_HZ
        )
    except miniaudio.DecodeError as error:
        raise ValueError(f"{audio.name}: not audio that can be decoded ({error})") from error
    return bytes(sound.samples)


def main(arguments: Sequence[str] | None = None) -> int:
    """Decode one file into another; 1 and a line on stderr when that cannot be done."""
    parser = argparse.ArgumentParser(prog="decode", description="Decode audio to 16 kHz mono WAV.")
    parser.add_argument("audio", type=Path)
    parser.add_argument("wav", type=Path)
    options = parser.parse_args(arguments)
    try:
        samples = decode(options.audio)
        with wave.open(str(options.wav), "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(_BYTES_PER_SAMPLE)
            wav.setframerate(SAMPLE_RATE_HZ)
            wav.writeframes(samples)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
