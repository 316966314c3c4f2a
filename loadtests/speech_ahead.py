"""Speech that our own upstream makes before the clock starts, so that its latency is the latency drawn."""

from collections.abc import Sequence

from loadtests.asking import WORK_S, Host, member, object_of
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Block, Voice
from loadtests.progress import Progress, Tell


def make_speech_ahead(
    upstream: Host, chapters: Sequence[Sequence[Block]], voices: Sequence[Voice], tell: Tell
) -> None:
    """Has the upstream synthesise every block in every voice, chapter by chapter, each text once.

    Raises:
        PrepareError: it does not, or cannot hold it all: what it forgot would come late.
    """
    total = len(voices) * sum(len(chapter) for chapter in chapters)
    done, size_bytes, progress = 0, 0, Progress("synthesised", tell)
    for voice in voices:
        seen: set[str] = set()
        for chapter in chapters:
            inputs = [text for text in dict.fromkeys(block.text for block in chapter) if text not in seen]
            seen.update(inputs)
            if inputs:
                size_bytes += _make(upstream, voice, inputs)
            done += len(chapter)
            progress.say(done, total)
    _check_held(upstream, size_bytes)


def _make(upstream: Host, voice: Voice, inputs: list[str]) -> int:
    body = {"voice": voice.name, "speed": voice.speed, "inputs": inputs}
    made = upstream.ask_object("POST", "/prepare", silence_s=WORK_S, json=body)
    return member(made, "bytes", int, f"POST {upstream.url}/prepare")


def _check_held(upstream: Host, size_bytes: int) -> None:
    # The memo drops what was used longest ago: it holds all of this run exactly when it holds so many bytes.
    answer = upstream.ask("GET", "/stats")
    held = object_of(answer).get("memo_bytes") if answer.ok else None
    if isinstance(held, int) and held < size_bytes:
        mebibytes = size_bytes // 2**20 + 1
        raise PrepareError(
            f"{upstream.url}: the speech of this run is {size_bytes} bytes, and only {held} are kept. "
            f"Start the upstream with --memo-mib {mebibytes} or more, or read fewer blocks."
        )
