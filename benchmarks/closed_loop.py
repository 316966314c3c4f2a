"""`python -m benchmarks.closed_loop URL SECONDS`: one client that asks, waits for the answer, and asks again.

At most `RATE_PER_S` times a second. It prints each latency in microseconds, from sending to the last byte, on one line.
"""

import http.client
import sys
import time
from contextlib import closing
from urllib.parse import urlsplit

RATE_PER_S = 250


def latencies_us(url: str, seconds: float) -> list[float]:
    """Returns the latencies of `seconds` of asking for `url` over one connection.

    Raises:
        OSError: the server does not answer.
    """
    parts = urlsplit(url)
    found = []
    due = time.monotonic()
    end = due + seconds
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        while due < end:
            began = time.perf_counter()
            connection.request("GET", parts.path)
            answer = connection.getresponse()
            answer.read()
            found.append((time.perf_counter() - began) * 1e6)
            if answer.status != http.client.OK:
                raise OSError(f"{url}: answered {answer.status}")
            due = max(due + 1 / RATE_PER_S, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
    return found


if __name__ == "__main__":
    sys.stdout.write(
        " ".join(f"{latency:.0f}" for latency in latencies_us(sys.argv[1], float(sys.argv[2]))) + "\n"
    )
