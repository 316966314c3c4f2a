"""What goes wrong at the speech upstream on purpose: which requests, with which fault, and when.

`python -m loadtests.faults 429=0.1 503@30-60` says whether specs can be used: 0, or 2 and one line.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Fault = Literal[
    "429", "429-retry-after", "500", "502", "503", "slow-first-byte", "drip", "cut", "empty", "hang"
]
"""The kinds of fault; docs/reference/upstream.md says what each sends, and what a server makes of it."""

FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True)
class FaultSpec:
    """One kind of fault: for what share of the requests, and from when until when.

    Times are session seconds since the first request for speech; `until_s` itself is outside.
    """

    fault: Fault
    share: float = 1.0
    from_s: float = 0.0
    until_s: float = math.inf

    @classmethod
    def parse(cls, text: str) -> "FaultSpec":
        """Read `KIND`, `KIND=SHARE`, `KIND@FROM-TO` or `KIND=SHARE@FROM-TO`, as the type of a command's option."""
        head, at, window = text.partition("@")
        kind, equals, share_text = head.partition("=")
        fault = next((known for known in FAULTS if known == kind), None)
        if fault is None:
            raise argparse.ArgumentTypeError(f"{text!r}: no such fault. Use one of {', '.join(FAULTS)}.")
        share = _number(share_text) if equals else 1.0
        if not 0 <= share <= 1:
            raise argparse.ArgumentTypeError(
                f"{text!r}: the share is no number from 0 to 1. Use one such as {kind}=0.1."
            )
        from_s, until_s = map(_number, window.split("-", 1)) if "-" in window else (math.nan, math.nan)
        if at and not 0 <= from_s < until_s < math.inf:
            raise argparse.ArgumentTypeError(
                f"{text!r}: no window. Use session seconds, the earlier first, such as {kind}@30-60."
            )
        return cls(fault, share, from_s, until_s) if at else cls(fault, share)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


class Faults:
    """Says which request meets which fault.

    A share is drawn from the request's name, as its latency is, so the order of arrival changes nothing. The
    clock of the windows starts with the first request after the start or a `restart`.
    """

    def __init__(
        self, specs: Sequence[FaultSpec], pace: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._specs = specs
        self._pace = pace
        self._clock = clock
        self._began_t: float | None = None

    def restart(self) -> None:
        """Let the next request start the clock again."""
        self._began_t = None

    def of(self, request: bytes) -> Fault | None:
        """Return the fault of the request of that name, which has come now: that of the first spec that hits."""
        now = self._clock()
        if self._began_t is None:
            self._began_t = now
        session_s = (now - self._began_t) * self._pace
        for number, spec in enumerate(self._specs):
            if not spec.from_s <= session_s < spec.until_s:
                continue
            if random.Random(b"%s fault %d" % (request, number)).random() < spec.share:
                return spec.fault
        return None


def main(arguments: Sequence[str]) -> int:
    """Check specs: 0 when all can be used, else 2 and one line."""
    try:
        for text in arguments:
            FaultSpec.parse(text)
    except argparse.ArgumentTypeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
