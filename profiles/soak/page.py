"""A soak's first witness: the server's own metrics page, with its memory and when it started."""

from __future__ import annotations

from collections import deque

from profiles.remote_page import CPU, FILES, RESIDENT, Page, read_page
from profiles.remote_recorder import SAME_START_S
from profiles.soak.findings import Finding, Told
from profiles.soak.moments import JUMP_S, Moment
from profiles.soak.web import Fault, Place, ask
from profiles.vm_size import MIB

DATED_LOOKS = 5
_SAYS = {"cpu_s": CPU, "server_fds": FILES}


class PageSource:
    """Asks for the page, and tells when the server behind it is another than before."""

    name = "page"

    def __init__(self, place: Place, known: dict[str, object]) -> None:
        self._place = place
        self._seen_t = _number(known.get("seen_t"))
        self._started_s = _number(known.get("server_started_s"))
        self._cpu_s = _number(known.get("cpu_s"))
        self._cpu_before_s = _number(known.get("cpu_before_s")) or 0.0
        held = known.get("held")
        self._held: dict[str, object] = held if isinstance(held, dict) else {}
        self._unsaid: set[str] = set()
        self._ahead_s: deque[float] = deque(maxlen=DATED_LOOKS)
        self._went_back = False

    def state(self) -> dict[str, object]:
        """Return the server as it was seen last."""
        return {
            "seen_t": self._seen_t,
            "server_started_s": self._started_s,
            "cpu_s": self._cpu_s,
            "cpu_before_s": self._cpu_before_s,
            "held": self._held,
        }

    def look(self, now: Moment) -> Finding:
        """Return the page's figures, and a restart where there was one.

        Raises:
            Fault: there is no page, or it says nothing of memory.
        """
        answer = ask(self._place)
        page = read_page(answer.text)
        if page.server_rss_bytes is None:
            raise Fault("content", f"the page says no {RESIDENT}")
        ahead_s = self._clock_ahead_s(answer.ahead_s)
        events = [*self._met(now, page, ahead_s), *self._columns(now, page)]
        self._seen_t, self._cpu_s, self._held = now.t, page.cpu_s, held_of(page)
        self._started_s = page.started_s if page.started_s is not None else self._started_s
        values = {
            "server_rss_bytes": page.server_rss_bytes,
            "children_rss_bytes": page.children_rss_bytes,
            "processes": None if page.children is None else 1 + page.children,
            "cpu_s": None if page.cpu_s is None else self._cpu_before_s + page.cpu_s,
            "server_fds": page.open_files,
        }
        return Finding(values, events=tuple(events), page=page, ahead_s=ahead_s)

    def _clock_ahead_s(self, ahead_s: float | None) -> float | None:
        """Return how far its clock is ahead: the most of some looks, since a busy one's date can only be old."""
        if ahead_s is not None:
            self._ahead_s.append(ahead_s)
        return max(self._ahead_s) if len(self._ahead_s) == DATED_LOOKS else None

    def _met(self, now: Moment, page: Page, ahead_s: float | None) -> list[Told]:
        if self._seen_t is None:
            return [Told(now.t, "started", {"pid": None, "server_started_s": page.started_s})]
        line = self._restarted(page)
        if not line:
            return self._back(now, page)
        self._cpu_before_s += self._cpu_s or 0.0
        starts_t = None
        if page.started_s is not None:
            skew_s = ahead_s if ahead_s is not None and abs(ahead_s) > JUMP_S else 0.0
            starts_t = round(now.of_wall(page.started_s, skew_s), 2)
        facts = {
            "last_seen_t": self._seen_t,
            "starts_t": starts_t,
            "server_started_s": page.started_s if page.started_s is not None else round(now.wall_s),
            "line": line,
            "held": self._held,
        }
        return [Told(now.t, "restart_seen", facts)]

    def _restarted(self, page: Page) -> str:
        """Return what shows that the server was started anew since the last look; empty where nothing does."""
        if page.started_s is not None and self._started_s is not None:
            later_s = page.started_s - self._started_s
            moved = later_s > SAME_START_S or (later_s > 0 and self._cpu_fell(page))
            return f"its start time moved by {later_s:.0f} s" if moved else ""
        return "its CPU time fell" if self._cpu_fell(page) else ""

    def _cpu_fell(self, page: Page) -> bool:
        return page.cpu_s is not None and self._cpu_s is not None and page.cpu_s < self._cpu_s

    def _back(self, now: Moment, page: Page) -> list[Told]:
        """Tell, once, of a server that seems to have started before the one before it."""
        if page.started_s is None or self._started_s is None or self._went_back:
            return []
        if page.started_s >= self._started_s - SAME_START_S:
            return []
        self._went_back = True
        reason = "the start time went back: two machines answer by turns, or its clock was set"
        return [Told(now.t, "start_went_back", {"reason": reason})]

    def _columns(self, now: Moment, page: Page) -> list[Told]:
        values = {"cpu_s": page.cpu_s, "server_fds": page.open_files}
        missing = [column for column, value in values.items() if value is None and column not in self._unsaid]
        self._unsaid.update(missing)
        return [
            Told(now.t, "unmeasured", {"columns": [column], "reason": f"the page says no {_SAYS[column]}"})
            for column in missing
        ]


def held_of(page: Page) -> dict[str, object]:
    """Return what held the memory, as a verdict has it."""
    held: dict[str, object] = {
        "server": {"processes": 1, "rss_mb": round((page.server_rss_bytes or 0) / MIB, 1)}
    }
    if page.children:
        held["child"] = {
            "processes": int(page.children),
            "rss_mb": round((page.children_rss_bytes or 0) / MIB, 1),
        }
    return held


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
