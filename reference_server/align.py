"""The child of pre-generation: finds the words of known text in its audio, without transcribing.

`python -m reference_server.align --model FOLDER` reads lines `{"text": …, "mp3": path}` and answers each with
one line: the words, or `{"error": …}`. It ends when its input does, or when nobody reads its answers. The
weights are the live aligner's; forced alignment takes about a sixth of the CPU.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from reference_server.decode import SAMPLE_RATE_HZ, decode
from reference_server.model import ATTENTION_LAG_S, COMPUTE_TYPE, HeardWord, without_lag
from reference_server.words import WordTime, dump_words, map_words

_WINDOW_S = 30
"""What Whisper hears at once."""

_DISTRUST_S = 4.0
"""Text that is spoken only after the window is squeezed into its end: words there are asked for again."""

_MOST_TOKENS = 440
"""Of the decoder's 448 positions, what is left for text, less a few."""

Samples = NDArray[np.float32]


class _Found(TypedDict):
    word: str
    tokens: list[int]
    start: float
    end: float


class KnownTextAligner:
    """The model, loaded once, that finds known words in audio.

    One thread: on a share of a core more threads only wait for each other, and pre-generation is in no hurry.
    """

    def __init__(self, model_folder: Path) -> None:
        self._model = WhisperModel(str(model_folder), device="cpu", compute_type=COMPUTE_TYPE, cpu_threads=1)
        multilingual = self._model.model.is_multilingual
        self._tokens = Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language="en")

    def align(self, text: str, mp3: Path) -> list[WordTime]:
        """Return the words of a text with their times in the file.

        Raises:
            ValueError: the file holds no sound.
            OSError: the file cannot be read.
        """
        samples: Samples = np.frombuffer(decode(mp3), np.int16).astype(np.float32) / np.float32(32768)
        return map_words(text, without_lag(self._in_windows(text, samples)))

    def _in_windows(self, text: str, samples: Samples) -> list[HeardWord]:
        """Find the words window by window; each window begins where the last word trusted ended."""
        tokens = self._tokens.encode(" " + text)
        found: list[HeardWord] = []
        offset_s = 0.0
        while tokens:
            rest = samples[round(offset_s * SAMPLE_RATE_HZ) :]
            words = self._in_window(tokens[:_MOST_TOKENS], rest[: _WINDOW_S * SAMPLE_RATE_HZ])
            is_last = len(rest) <= _WINDOW_S * SAMPLE_RATE_HZ
            trusted = [word for word in words if is_last or word["end"] <= _WINDOW_S - _DISTRUST_S]
            found += [
                (word["word"], offset_s + float(word["start"]), offset_s + float(word["end"]))
                for word in trusted
            ]
            if is_last or not trusted:
                break
            offset_s += max(0.0, float(trusted[-1]["end"]) - ATTENTION_LAG_S)
            tokens = tokens[sum(len(word["tokens"]) for word in trusted) :]
        return found

    def _in_window(self, tokens: list[int], samples: Samples) -> list[_Found]:
        features = self._model.feature_extractor(samples)
        frames = features.shape[-1] - 1
        heard = self._model.encode(pad_or_trim(features[:, :frames]))
        found: list[_Found] = self._model.find_alignment(self._tokens, [tokens], heard, frames)[0]
        return found


def answer(aligner: KnownTextAligner, line: str) -> str:
    """Return the line that answers a line of input."""
    try:
        request = json.loads(line)
        return dump_words(aligner.align(request["text"], Path(request["mp3"])))
    except (ValueError, OSError, RuntimeError) as error:  # RuntimeError is what ctranslate2 raises
        return json.dumps({"error": " ".join(str(error).split())})


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer lines until there are no more."""
    parser = argparse.ArgumentParser(
        prog="align", description="Find the words of known texts in their audio."
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of a CTranslate2 Whisper model")
    aligner = KnownTextAligner(parser.parse_args(arguments).model)
    try:
        for line in sys.stdin:
            print(answer(aligner, line), flush=True)
    except BrokenPipeError:  # the server is gone, killed perhaps: nobody wants the answer or a complaint
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or the exit would flush, and complain
    return 0


if __name__ == "__main__":
    sys.exit(main())
