"""``python -m loadtests.probe``: how long a listener waits for the first block, on an idle server.

Asks for different blocks one after another and prints one line of JSON. First audio is the time until the
whole body is here, as the application plays no earlier.

Exit codes: 0 all answered, 1 some failed, 2 wrong use.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests

from loadtests.chapters import Block, Chapters, ChaptersError
from loadtests.request_log import Kind, RequestLog, Row
from loadtests.speech_shelf import UnplayableError, mp3_duration_s

TIMEOUT_S = 120


def different_blocks(chapters: Chapters) -> Iterator[Block]:
    """Yields every block once, chapter by chapter in turn, texts that occur again left out."""
    seen: set[str] = set()
    for place in range(max(len(chapter) for chapter in chapters.chapters)):
        for chapter in chapters.chapters:
            if place < len(chapter) and chapter[place].text_hash not in seen:
                seen.add(chapter[place].text_hash)
                yield chapter[place]


def ask(
    session: requests.Session, host: str, mode: str, chapters: Chapters, block: Block
) -> requests.Response:
    """Asks for one block's speech and returns the whole answer."""
    voice = chapters.voices[0]
    if mode == "live":
        body: dict[str, str | float] = {
            "text": block.text,
            "voice": voice.name,
            "speed": voice.speed,
            "model": chapters.model,
            "format": "mp3",
        }
        return session.post(f"{host}/api/tts", json=body, timeout=TIMEOUT_S)
    query: dict[str, str | int] = {
        "documentId": chapters.document_id,
        "page": block.page,
        "blockIndex": block.block_index,
        "textHash": block.text_hash,
        "voice": voice.name,
        "model": chapters.model,
        "speed": f"{voice.speed:g}",
    }
    return session.get(f"{host}/api/tts/chunk", params=query, timeout=TIMEOUT_S)


def probe(
    host: str, mode: str, chapters: Chapters, blocks: Sequence[Block], log: RequestLog
) -> list[tuple[float, bool]]:
    """Asks for each block in turn; returns the seconds until it was whole, and whether it can be played."""
    kind: Kind = "tts" if mode == "live" else "chunk"
    heard = []
    with requests.Session() as session:
        session.trust_env = False  # no proxy between the probe and the server
        for block in blocks:
            sent_t = time.monotonic()
            try:
                answer = ask(session, host, mode, chapters, block)
                status, data = answer.status_code, answer.content
            except requests.RequestException:
                status, data = 0, b""
            latency_s = time.monotonic() - sent_t
            log.write(Row(sent_t, 0, kind, status, len(data), latency_s, 0.0, "probe"))
            playable = status == 200 and _playable(data)
            if playable:
                source = "first:live" if kind == "tts" else "first:chunk"
                log.write(Row(sent_t + latency_s, 0, "play", status, 0, None, latency_s, source))
            heard.append((latency_s, playable))
    return heard


def summary(mode: str, heard: Sequence[tuple[float, bool]]) -> dict[str, str | int | float | None]:
    """Figures of the playable answers, in milliseconds; None where there are none."""
    played = sorted(latency_s * 1000 for latency_s, ok in heard if ok)
    return {
        "mode": mode,
        "count": len(heard),
        "failures": len(heard) - len(played),
        "first_audio_p50_ms": round(statistics.median(played), 3) if played else None,
        "first_audio_min_ms": round(played[0], 3) if played else None,
        "first_audio_max_ms": round(played[-1], 3) if played else None,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.probe", description=__doc__)
    parser.add_argument("--host", required=True, help="base URL of the document reader")
    parser.add_argument("--chapters-file", type=Path, default=Path("chapters.json"))
    parser.add_argument("--mode", choices=("live", "cached"), required=True)
    parser.add_argument("--count", type=int, default=20, help="how many blocks")
    parser.add_argument("--requests-file", type=Path, default=Path("probe.csv"))
    arguments = parser.parse_args(argv)
    try:
        chapters = Chapters.load(arguments.chapters_file)
        chapters.require_mode(arguments.mode)
        log = RequestLog(arguments.requests_file)
    except (ChaptersError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    blocks = list(different_blocks(chapters))[: arguments.count]
    heard = probe(arguments.host.rstrip("/"), arguments.mode, chapters, blocks, log)
    log.close()
    sys.stdout.write(json.dumps(summary(arguments.mode, heard)) + "\n")
    return 0 if all(ok for _, ok in heard) else 1


def _playable(data: bytes) -> bool:
    try:
        return mp3_duration_s(data) > 0
    except UnplayableError:
        return False


if __name__ == "__main__":
    sys.exit(main())
