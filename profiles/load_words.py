"""What a scenario says in the load's own words: asked of the load, which alone knows them.

A mix, a latency and a fault mean something to the load and nothing here; so the module that will be given the
text says whether it can be used, in a process of its own (40 ms, once for each text).
"""

from __future__ import annotations

import functools
import subprocess

from profiles.errors import EXIT_USAGE, RunError
from profiles.processes import python_module

_ANSWER_WITHIN_S = 60.0


def mix_kinds(mix: str) -> tuple[str, ...]:
    """Return the kinds of people in a mix, such as `("steady", "restless")` of `steady=3,restless=1`.

    Raises:
        ValueError: it is no mix; says what to write instead.
    """
    return tuple(_asked("loadtests.mixes", mix).split())


def check_latency(latency: str) -> str:
    """Return the text when it is a range of seconds such as `2-5`, else raise ValueError with the way out."""
    _asked("loadtests.latency", latency)
    return latency


def check_fault(fault: str) -> str:
    """Return the text when it is a fault such as `429=0.1`, else raise ValueError with the way out."""
    _asked("loadtests.faults", fault)
    return fault


@functools.cache
def _asked(module: str, text: str) -> str:
    answer = subprocess.run(
        python_module(module, text),
        capture_output=True,
        text=True,
        check=False,
        timeout=_ANSWER_WITHIN_S,
        stdin=subprocess.DEVNULL,
    )
    if answer.returncode == 0:
        return answer.stdout
    said = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if answer.returncode == EXIT_USAGE:
        raise ValueError(said.removeprefix(f"{text!r}: ").removesuffix("."))
    raise RunError(f"{module} {text}: ended with status {answer.returncode}: {said}")
