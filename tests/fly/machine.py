"""One machine of Fly's: started, watched, ended, explained, and restarted by its policy.

What runs in it is a `Guest`: a real server in a real VM, or a script of deaths. Nothing here waits: `tick` is called
again and again, and does what is due.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.fly.console import Console
from tests.fly.machine_events import EventList, Json, exit_event
from tests.fly.restart_policy import RestartPolicy

State = Literal["created", "started", "stopping", "stopped"]
Source = Literal["user", "flyd", "proxy"]

EXPLAINED_WITHIN_S = 1.5
"""By then the kernel's line about a kill was read."""


@dataclass(frozen=True)
class Kill:
    """A kill by the VM's kernel: its line, and whether the main process was the victim."""

    line: str
    main: bool


class Guest(Protocol):
    """What runs in a machine."""

    def start(self) -> None:
        """Start the main process, on a fresh root."""

    def ended(self) -> int | None:
        """Return the main process's exit status once it has ended, negative for a signal."""

    def send(self, number: signal.Signals) -> None:
        """Send the main process a signal."""

    def clear(self) -> None:
        """End whatever is left, as a machine's restart does."""

    def kills(self) -> list[Kill]:
        """Return the kernel's kills since the last call."""

    def lines(self) -> list[str]:
        """Return what the main process printed since the last call."""


@dataclass(frozen=True)
class Death:
    """An end of the main process that nobody asked for: the truth that a soak is held against."""

    at_s: float
    returncode: int
    oom_killed: bool
    restarted: bool


class Machine:
    """A machine and its history; `clock` is the wall's, `pause_s` what a restart takes before the start."""

    def __init__(
        self,
        guest: Guest,
        policy: RestartPolicy,
        console: Console,
        clock: Callable[[], float],
        *,
        pause_s: float,
        stop: signal.Signals = signal.SIGINT,
        stop_within_s: float = 5.0,
    ) -> None:
        self.state: State = "created"
        self.deaths: list[Death] = []
        self.children_killed = 0
        self.exits: list[bool] = []
        """Of each end since it was last taken by a scrape, whether the kernel killed the main process for memory."""
        self.events = EventList(clock)
        self._guest, self._policy, self._console, self._clock = guest, policy, console, clock
        self._pause_s, self._stop_signal, self._stop_within_s = pause_s, stop, stop_within_s
        self._requested: Source | None = None
        self._kill_due = self._start_due = self._explain_due = float("inf")
        self._main_killed = False
        self._again = False

    @property
    def is_up(self) -> bool:
        """Whether there is a VM to be sampled."""
        return self.state in {"started", "stopping"} and self._start_due == float("inf")

    @property
    def shown_state(self) -> State:
        """What the API says of it: between two tries it is stopped."""
        return "stopped" if self.state == "started" and not self.is_up else self.state

    def launch(self) -> None:
        """Make the machine run for the first time."""
        self.events.add("launch", "created", "user")
        self._start("flyd")

    def start(self, now: float) -> bool:
        """Start a machine that is stopped; return whether it was."""
        if self.state != "stopped":
            return False
        self._policy.forget()
        self._start("user")
        return True

    def stop(self, source: Source, now: float, *, again: bool = False) -> bool:
        """Stop a machine that runs, and start it again afterwards if so; return whether it ran."""
        if self.state != "started":
            return False
        self._requested, self._again, self.state = source, again, "stopping"
        self.events.add("restart" if again else "stop", "stopping", source)
        if self._start_due < float("inf"):  # it is down already, between two tries
            self._start_due = float("inf")
            self.state = "stopped"
            return True
        self._guest.send(self._stop_signal)
        self._kill_due = now + self._stop_within_s
        return True

    def tick(self, now: float) -> None:
        """Do what is due."""
        for line in self._guest.lines():
            self._console.write(line)
        for kill in self._guest.kills():
            self._console.kernel(kill.line)
            self._main_killed = self._main_killed or kill.main
            self.children_killed += not kill.main
        if now >= self._start_due:
            self._start("flyd")
        elif self.is_up:
            self._watch(now)

    def _start(self, source: Source) -> None:
        self._start_due = self._kill_due = self._explain_due = float("inf")
        self._main_killed, self._requested, self.state = False, None, "started"
        self._console.boot()
        self._guest.start()
        self.events.add("start", "started", source)

    def _watch(self, now: float) -> None:
        if (returncode := self._guest.ended()) is None:
            if now >= self._kill_due:
                self._kill_due = float("inf")
                self._guest.send(signal.SIGKILL)
            return
        self._explain_due = min(self._explain_due, now + EXPLAINED_WITHIN_S)
        if returncode == -signal.SIGKILL and not self._main_killed and now < self._explain_due:
            return  # the kernel's line about it is still to come
        self._note_end(returncode, now)

    def _note_end(self, returncode: int, now: float) -> None:
        self._guest.clear()
        asked = self._requested is not None
        oom_killed = self._main_killed and returncode == -signal.SIGKILL
        code = 128 - returncode if returncode < 0 else returncode
        again = self._again if asked else self._policy.restarts(code, now)
        at_s = self._clock()
        told = exit_event(returncode, at_s, oom_killed=oom_killed, requested_stop=asked, restarting=again)
        request: Json = {"exit_event": told, "restart_count": len(self.deaths) + 1}
        self.events.add("exit", "stopped", "flyd", request)
        self.exits.append(oom_killed)
        self._tell(returncode, code, oom_killed=oom_killed, asked=asked, again=again)
        if not asked:
            self.deaths.append(Death(at_s, returncode, oom_killed, again))
        self.state = "started" if again else "stopped"
        self._start_due = now + self._pause_s if again else float("inf")
        self._requested, self._again = None, False

    def _tell(self, returncode: int, code: int, *, oom_killed: bool, asked: bool, again: bool) -> None:
        self._console.ended(returncode, oom_killed=oom_killed)
        facts = f"oom_killed={str(oom_killed).lower()}, requested_stop={str(asked).lower()}"
        self._console.write(f"machine exited with exit code {code}, {facts}", "runner")
        if not (again or asked or code == 0):
            self._console.write("machine has reached its max restart count", "runner")
