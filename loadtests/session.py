"""One reader's session as a pure state machine: no HTTP, no Locust, no clock of its own.

Given the time and what arrived, it says what happens next: a person (loadtests/person.py) in front of one or two
tabs of the application (loadtests/player.py). Times are seconds of any monotonic clock. Playing, what the person
does and waits before a retry are session seconds and are divided by the pace.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from loadtests.actions import Action, Finished, Played, Result, WakeAt
from loadtests.chapters import Block, Voice
from loadtests.conduct import Conduct
from loadtests.modes import Mode, asks_timings_live
from loadtests.person import Person
from loadtests.player import Player
from loadtests.timeline import Timeline


class Session:
    """A person who reads one chapter, over and over, until the session's time is up.

    Args:
        chapter: the blocks, in reading order; after the last comes the first.
        first: index of the block to start with.
        mode: where speech and word timings come from.
        pace: how much faster than real time the session is played.
        session_s: length in session seconds, from the drawn start.
        seed: draws when the person starts, and all that they do.
        voices: what speech is asked with at first, and after it what a person changes to.
        mix: what kind of person it is.
        cache_items: how many blocks a tab keeps.
    """

    def __init__(
        self,
        chapter: Sequence[Block],
        *,
        first: int,
        mode: Mode,
        pace: float,
        session_s: float,
        seed: str,
        voices: Sequence[Voice],
        mix: str = "steady",
        cache_items: int = 50,
    ) -> None:
        self.timings_live = asks_timings_live(mode)
        """Whether timings are always asked live, so that an MP3 may be needed again after it arrived."""
        self.finished = False
        """Whether the session is over."""
        self._actions: list[Action] = []
        self._heard_one = False
        self._timeline = Timeline(pace)
        numbers = count(1)

        def tab_at(place: int) -> Player:
            return Player(
                chapter,
                place,
                mode,
                voices[0],
                cache_items=cache_items,
                timeline=self._timeline,
                numbers=numbers,
                say=self._say,
            )

        person = Person(mix, seed)
        self._starts_after_s, self._session_s = person.starts_after_s, session_s
        self._conduct = Conduct(
            person,
            self._timeline,
            tab_at(first),
            lambda where: tab_at(int(where * len(chapter))),
            voices,
        )

    def start(self, now: float) -> list[Action]:
        """The person sits down; reading begins within the first session seconds, as drawn."""
        begin = now + self._starts_after_s / self._timeline.pace
        self._timeline.at(begin, self._conduct.begin)
        # What falls on the session's last instant no longer happens.
        end = begin + self._session_s / self._timeline.pace
        self._timeline.at(end, self._end, before_others=True)
        return self._turn(now)

    def woke(self, now: float) -> list[Action]:
        """What is due at this time. Harmless when nothing is."""
        return self._turn(now)

    def arrived(self, now: float, result: Result) -> list[Action]:
        """What follows from an answer that arrived at this time."""
        self._timeline.run_due(now)
        if not self.finished:
            for tab in self._conduct.tabs:
                tab.heard(now, result)
        return self._turn(now)

    def left(self, now: float) -> list[Action]:
        """The person is gone for good before the session's time is up."""
        self._timeline.run_due(now)
        if not self.finished:
            self._end(now)
        return self._turn(now)

    def _turn(self, now: float) -> list[Action]:
        self._timeline.run_due(now)
        actions, self._actions = self._actions, []
        if self._timeline.next_t is not None:
            actions.append(WakeAt(self._timeline.next_t))
        return actions

    def _say(self, action: Action) -> None:
        if isinstance(action, Played) and not self._heard_one:
            action = replace(action, reason="first")
            self._heard_one = action.source != "never"
        self._actions.append(action)
        self._conduct.noticed(action)

    def _end(self, t: float) -> None:
        for tab in self._conduct.tabs:
            tab.stop(t)
        self._timeline.clear()
        self.finished = True
        self._actions.append(Finished())
