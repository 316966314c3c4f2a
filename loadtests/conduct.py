"""What a person does with the one or two tabs in front of them."""

from collections.abc import Callable, Sequence

from loadtests.actions import Action, FetchAudio, Played
from loadtests.chapters import Voice
from loadtests.person import PRESS_EVERY_S, Change, Deed, Jump, Leave, OtherTab, Pause, Person, Skip
from loadtests.playback import Playback
from loadtests.player import Player
from loadtests.timeline import Timeline

LEAVES_AT_LATEST_S = 60.0
"""Session seconds after which a person who is about to leave does so, even if nothing is on its way."""


class Conduct:
    """Carries out what a person does, one thing after another.

    Args:
        person: draws what they do.
        timeline: the session's timers.
        tab: the tab they begin with.
        open_tab: opens another one, at a place from 0 towards 1 through the chapter.
        voices: those that they choose from.
    """

    def __init__(
        self,
        person: Person,
        timeline: Timeline,
        tab: Player,
        open_tab: Callable[[float], Player],
        voices: Sequence[Voice],
    ) -> None:
        self._person = person
        self._timeline = timeline
        self.tabs = [tab]
        """The tab that they look at, and the other one, paused, once there is one."""
        self._open_tab = open_tab
        self._voices = voices
        self._leaving: Leave | None = None

    def begin(self, t: float) -> None:
        """Starts to read, and to do other things."""
        self.tabs[0].play(t, "next")
        self._plan(t)

    def noticed(self, action: Action) -> None:
        """Reacts to what the application does: skims a block that began, leaves a download."""
        if isinstance(action, Played) and action.source != "never":
            self._skim(action.at)
        elif isinstance(action, FetchAudio) and self._leaving is not None:
            leaving = self._leaving
            # An answer that is noticed late may let a request be meant for before what they have heard since.
            t = max(action.intended_t, self._timeline.latest_t)
            self._timeline.after(t, leaving.after_s, lambda t: self._close(t, leaving))

    def _plan(self, t: float) -> None:
        planned = self._person.next_deed()
        if planned is not None:
            wait_s, deed = planned
            self._timeline.after(t, wait_s, lambda t: self._do(t, deed))

    def _do(self, t: float, deed: Deed) -> None:
        match deed:
            case Pause(for_s):
                self.tabs[0].pause(t)
                self._timeline.after(t, for_s, self._play_on)
            case Skip(step, presses):
                self._press(t, step, presses, again=False)
            case Jump(far):
                self.tabs[0].jump(t, far)
                self._plan(t)
            case Change(which):
                self._change(t, which)
            case Leave():
                self._leaving = deed
                self._timeline.after(t, LEAVES_AT_LATEST_S, lambda t: self._close(t, deed))
            case OtherTab(where):
                self._take_other_tab(t, where)

    def _play_on(self, t: float) -> None:
        self.tabs[0].play(t, "asked")
        self._plan(t)

    def _press(self, t: float, step: int, presses: int, *, again: bool) -> None:
        self.tabs[0].skip(t, step, again=again)
        if presses > 1:
            self._timeline.after(t, PRESS_EVERY_S, lambda t: self._press(t, step, presses - 1, again=True))
        else:
            self._plan(t)

    def _change(self, t: float, which: float) -> None:
        others = [voice for voice in self._voices if voice != self.tabs[0].voice]
        if others:
            self.tabs[0].change(t, others[int(which * len(others))])
        self._plan(t)

    def _take_other_tab(self, t: float, where: float) -> None:
        self.tabs[0].pause(t)
        if len(self.tabs) == 1:
            self.tabs.append(self._open_tab(where))
        self.tabs.reverse()
        self._play_on(t)

    def _close(self, t: float, deed: Leave) -> None:
        if self._leaving is deed:
            self._leaving = None
            for tab in self.tabs:
                tab.close(t)
            self._timeline.after(t, deed.away_s, self._play_on)

    def _skim(self, t: float) -> None:
        skim = self._person.next_skim()
        if skim is not None:
            heard_s, deed = skim
            playback = self.tabs[0].playback
            self._timeline.after(t, heard_s, lambda t: self._go_on(t, deed, playback))

    def _go_on(self, t: float, deed: Skip | Jump, playback: Playback | None) -> None:
        if self.tabs[0].playback is not playback:
            return  # the block was shorter than what they hear of one
        if isinstance(deed, Jump):
            self.tabs[0].jump(t, deed.far)
        else:
            self.tabs[0].skip(t, deed.step)
