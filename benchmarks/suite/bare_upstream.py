"""`python -m benchmarks.suite.bare_upstream URL CONCURRENCY TEXTS`: a speech API asked for blocks, and nothing else.

The peer of pre-generation. It asks with the package underneath the server's client, as many at once, for the same
speech, reads each answer whole and throws it away. TEXTS is a file with a JSON list. Printed is `Asked`, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from benchmarks.errors import BenchmarkError
from profiles import processes

ANSWER_WITHIN_S = 60.0
_LONGEST_S = 600.0


@dataclass(frozen=True)
class Asked:
    """How long a speech API took for blocks.

    Attributes:
        blocks: how many.
        seconds: from the first question to the last byte of the last answer.
        cpu_s: CPU time of who asked.
        audio_bytes: of all answers.
    """

    blocks: int
    seconds: float
    cpu_s: float
    audio_bytes: int


def order(text: str) -> dict[str, str | float]:
    """Returns the body that asks for a block's speech, as the server asks when it is told nothing else."""
    return {"input": text, "model": "tts-1", "voice": "alloy", "speed": 1.0, "response_format": "mp3"}


async def ask(client: httpx2.AsyncClient, texts: Sequence[str], concurrency: int) -> Asked:
    """Asks for each text once, `concurrency` at a time, and returns what it took.

    Raises:
        BenchmarkError: an answer is no speech.
        httpx2.HTTPError: there is none.
    """
    left, audio_bytes = iter(texts), 0

    async def work(texts: Iterator[str]) -> None:
        nonlocal audio_bytes
        for text in texts:  # all draw from the same ones
            answer = await client.post("/audio/speech", json=order(text))
            if answer.status_code != httpx2.codes.OK or not answer.content:
                raise BenchmarkError(f"{client.base_url}: answered {answer.status_code}, no speech")
            audio_bytes += len(answer.content)

    began, cpu_s = time.monotonic(), time.process_time()
    await asyncio.gather(*(work(left) for _ in range(concurrency)))
    return Asked(len(texts), time.monotonic() - began, time.process_time() - cpu_s, audio_bytes)


async def ask_all(url: str, texts: Sequence[str], concurrency: int) -> Asked:
    """Does so with a client of its own; raises as `ask`."""
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx2.AsyncClient(
        base_url=url, timeout=ANSWER_WITHIN_S, limits=limits, trust_env=False
    ) as client:
        return await ask(client, texts, concurrency)


def ask_in_a_process(url: str, texts: Path, concurrency: int, log: Path) -> Asked:
    """Does so in a process of its own, as the server is one.

    Raises:
        BenchmarkError: it could not.
    """
    command = processes.python_module("benchmarks.suite.bare_upstream", url, concurrency, texts)
    process = processes.start(command, log)
    try:
        process.wait(_LONGEST_S)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{url}: the bare client was not done within {_LONGEST_S:g} s") from None
    finally:
        status = processes.stop(process)
    if status != 0:
        raise BenchmarkError(f"{log}: the bare client failed: {processes.last_line(log)}")
    return Asked(**json.loads(processes.last_line(log)))


def main(arguments: Sequence[str]) -> int:
    """Asks, prints and returns 0."""
    url, concurrency, texts = arguments
    asked = asyncio.run(ask_all(url, json.loads(Path(texts).read_bytes()), int(concurrency)))
    sys.stdout.write(f"{json.dumps(asdict(asked))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
