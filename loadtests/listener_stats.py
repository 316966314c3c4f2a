"""What the listeners felt, as entries of type LISTENER among Locust's own statistics.

So it stands on the web page and in the CSV files, and is added up over workers, like any request. The entries
are written directly, not through request events: the aggregated line stays that of the HTTP requests.
"""

from locust.stats import RequestStats

from loadtests.request_log import Row
from loadtests.tally import STALL_S

LISTENER = "LISTENER"
FIRST_AUDIO = "first audio"
AFTER_A_PRESS = "after a press"
BLOCK_FROM = "block from "
STALL = "stall"
NO_HIGHLIGHTING = "no highlighting"


class ListenerStats:
    """Feeds the entries from rows; their times are milliseconds by the clock.

    ``first audio``: until a reader's first block began. ``after a press``: until the block that was pressed for
    began. Of both, waits of more than ``STALL_S`` that ended with no block are failures; who presses on sooner
    has not waited. ``block from chunk`` (``live``, ``fallback``, ``cache``): how long the next block in turn
    was waited for; ``stall``: those waits of more than ``STALL_S``. ``no highlighting``: how long a block
    played without its word timings.
    """

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats

    def add(self, row: Row) -> None:
        """Takes a row; those of requests are Locust's own affair."""
        if row.kind == "unhighlighted":
            self._log(NO_HIGHLIGHTING, row.late_s)
        elif row.kind == "play":
            self._add_play(row)

    def _add_play(self, row: Row) -> None:
        reason, _, source = row.source.rpartition(":")
        heard = row.status == 200
        if reason and (heard or row.late_s > STALL_S):
            name = FIRST_AUDIO if reason == "first" else AFTER_A_PRESS
            self._log(name, row.late_s)
            if not heard:
                self._stats.get(name, LISTENER).log_error(None)
        elif not reason and heard:
            self._log(BLOCK_FROM + source, row.late_s)
        if not reason and row.late_s > STALL_S:
            self._log(STALL, row.late_s)

    def _log(self, name: str, seconds: float) -> None:
        self._stats.get(name, LISTENER).log(round(seconds * 1000), 0)
