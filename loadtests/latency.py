"""How long the speech upstream takes: a draw for each request, from its name alone.

`python -m loadtests.latency 2-5` says whether a range can be used: 0, or 2 and one line.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LatencyRange:
    """Seconds at pace 1 between which latencies are drawn, each as likely as the other."""

    shortest_s: float
    longest_s: float

    @classmethod
    def parse(cls, text: str) -> "LatencyRange":
        """Read `2-5`, or `2` for always the same, as the type of a command's option."""
        ends = text.split("-")
        try:
            latency = cls(float(ends[0]), float(ends[-1])) if len(ends) <= 2 else None
        except ValueError:
            latency = None
        if latency is None or not 0 <= latency.shortest_s <= latency.longest_s < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{text!r}: no range of seconds. Use the shortest and the longest, such as 2-5."
            )
        return latency

    def draw_s(self, request: bytes) -> float:
        """Return the latency of the request of that name, in seconds at pace 1."""
        return random.Random(request).uniform(self.shortest_s, self.longest_s)


def main(arguments: Sequence[str]) -> int:
    """Check ranges: 0 when all can be used, else 2 and one line."""
    try:
        for text in arguments:
            LatencyRange.parse(text)
    except argparse.ArgumentTypeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
