import subprocess
import sys
import wave
from pathlib import Path

import pytest

from reference_server.decode import SAMPLE_RATE_HZ, decode, main


def test_sound_becomes_16_khz_mono(tmp_path: Path, mp3: bytes) -> None:
    """The program writes a WAV of one channel, 16 bits and 16 kHz, as long as the MP3 with its padding."""
    source, target = tmp_path / "in.mp3", tmp_path / "out.wav"
    source.write_bytes(mp3)
    assert main([str(source), str(target)]) == 0
    with wave.open(str(target)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, SAMPLE_RATE_HZ)
        assert 0.5 <= wav.getnframes() / SAMPLE_RATE_HZ < 0.65
        assert wav.readframes(wav.getnframes()) == decode(source)


def test_what_is_no_audio_is_said_in_one_line(tmp_path: Path) -> None:
    """A file without sound ends the program with 1 and a line that names it."""
    source = tmp_path / "in.mp3"
    source.write_bytes(b"not audio" * 100)
    command = [sys.executable, "-m", "reference_server.decode", str(source), str(tmp_path / "out.wav")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("in.mp3: not audio that can be decoded")
    assert ended.stderr.count("\n") == 1


def test_a_missing_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named."""
    assert main([str(tmp_path / "none.mp3"), str(tmp_path / "out.wav")]) == 1
    assert "none.mp3" in capsys.readouterr().err


def test_no_heavy_library_is_loaded(tmp_path: Path, mp3: bytes) -> None:
    """The decoder is started for every live request: it loads neither numpy nor the aligner's libraries."""
    (tmp_path / "in.mp3").write_bytes(mp3)
    command = [sys.executable, "-X", "importtime", "-m", "reference_server.decode", "in.mp3", "out.wav"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    imported = {line.rsplit("|", 1)[-1].strip() for line in ended.stderr.splitlines()}
    assert "miniaudio" in imported
    # A line for numpy itself is there also when it was refused.
    assert not {"numpy._core", "av", "faster_whisper", "ctranslate2"} & imported


@pytest.mark.parametrize("module", ["live_aligner", "alignment_worker", "model"])
def test_the_server_s_side_loads_no_aligner(module: str) -> None:
    """The server starts aligners and never becomes one: it loads none of their libraries."""
    heavy = "{'faster_whisper', 'ctranslate2'}"
    script = f"import reference_server.{module}, sys; print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
