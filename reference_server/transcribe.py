"""One live aligner process: listens to a block, and gives the words of its text the times of what it heard.

`python -m reference_server.transcribe audio.wav --text-file text.txt --model FOLDER [--lang en]` prints the
words on stdout. It does what the real application's aligner does: loads the model, transcribes with the
library's own beam and number of threads, and ends. `OMP_NUM_THREADS` and `OMP_WAIT_POLICY` have their effect.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from faster_whisper import WhisperModel

from reference_server.model import COMPUTE_TYPE, HeardWord, without_lag
from reference_server.words import dump_words, map_words


def heard_words(model_folder: Path, audio: Path, language: str | None) -> Iterator[HeardWord]:
    """Transcribe a file and yield each word with its start and end in seconds.

    Raises:
        ValueError: the model does not know the language.
    """
    model = WhisperModel(str(model_folder), device="cpu", compute_type=COMPUTE_TYPE)
    # A model for English alone needs no guess; for another, None lets the library guess.
    segments, _ = model.transcribe(str(audio), language=language, word_timestamps=True)
    for segment in segments:
        for word in segment.words or ():
            yield word.word, float(word.start), float(word.end)


def main(arguments: Sequence[str] | None = None) -> int:
    """Align one block; 1 and a line on stderr when that cannot be done."""
    parser = argparse.ArgumentParser(prog="transcribe", description="Find when the words of a text are said.")
    parser.add_argument("audio", type=Path)
    parser.add_argument("--text-file", type=Path, required=True, help="the text that is spoken, UTF-8")
    parser.add_argument("--model", type=Path, required=True, help="folder of a CTranslate2 Whisper model")
    parser.add_argument("--lang", help="the language spoken, such as en")
    options = parser.parse_args(arguments)
    try:
        # Bytes, because text mode would turn "\r\n" into one character and move every index after it.
        text = options.text_file.read_bytes().decode()
        heard = list(heard_words(options.model, options.audio, options.lang))
    except (ValueError, OSError, RuntimeError) as error:  # RuntimeError is what ctranslate2 raises
        print(error, file=sys.stderr)
        return 1
    print(dump_words(map_words(text, without_lag(heard))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
