"""Whose a gap is: one source's, the server's, or our own network's."""

from __future__ import annotations

import threading

import pytest

from profiles.soak.findings import Finding, Told
from profiles.soak.moments import Moment
from profiles.soak.web import Fault
from profiles.soak.witnesses import Witnesses
from tests.profiles.soak.scripted import ScriptedClock

SILENT, REFUSED = Fault("silent", "no whole answer within 5 s"), Fault("refused", "nothing listens there")
NO_WAY, BAD = Fault("network", "Network is unreachable"), Fault("status", "status 503", 503)


class Scripted:
    """A source that answers as it is told."""

    def __init__(self, name: str, answer: Fault | None) -> None:
        self.name = name
        self.answer = answer

    def look(self, now: Moment) -> Finding:
        """Answer."""
        if self.answer is not None:
            raise self.answer
        return Finding()

    def state(self) -> dict[str, object]:
        """Nothing."""
        return {}


def asked(**answers: Fault | None) -> tuple[Witnesses, list[Scripted], list[Told]]:
    """Witnesses after one look at these answers."""
    told: list[Told] = []
    sources = [Scripted(name, answer) for name, answer in answers.items()]
    witnesses = Witnesses(sources, ScriptedClock(), told.append, lambda t, text: None)
    witnesses.ask(Moment(1.0, 1.0), 5.0)
    return witnesses, sources, told


@pytest.mark.parametrize(
    ("answers", "ours"),
    [
        ({"page": SILENT, "machines": SILENT}, True),
        ({"page": SILENT, "machines": REFUSED, "prometheus": SILENT}, True),
        ({"page": NO_WAY}, True),
        ({"page": NO_WAY, "log": None}, True),
        ({"page": SILENT}, False),
        ({"page": SILENT, "log": None}, False),
        ({"page": REFUSED, "machines": None}, False),
        ({"page": NO_WAY, "machines": None}, False),
        ({"page": SILENT, "machines": BAD}, False),
        ({"page": None, "machines": None}, False),
        ({"log": Fault("content", "app.log: No such file")}, False),
    ],
)
def test_a_gap_is_ours_where_nobody_far_away_is_reached(answers: dict[str, Fault | None], ours: bool) -> None:  # noqa: FBT001
    """GIVEN who answers and who does not THEN it is our network's when no two do, or there is no way at all."""
    _, _, told = asked(**answers)
    assert ("network_lost" in [one.event for one in told]) is ours


def test_a_gap_is_told_when_it_begins_and_when_it_is_over() -> None:
    """GIVEN a gap over three looks THEN two events for each source, and two of the network."""
    witnesses, sources, told = asked(page=SILENT, machines=SILENT)
    witnesses.ask(Moment(2.0, 2.0), 5.0)
    assert witnesses.silent == ["machines", "page"]
    assert not witnesses.answers("page")
    for source in sources:
        source.answer = None
    witnesses.ask(Moment(4.0, 4.0), 5.0)
    assert [one.event for one in told] == [
        "network_lost", "unreachable", "source_lost", "network_back", "reachable", "source_back",
    ]  # fmt: skip
    assert (told[4].facts["failed"], told[4].facts["after_s"]) == (2, 3.0)
    assert told[0].facts["heard_t"] == 1.0
    for source in sources:
        source.answer = SILENT
    witnesses.ask(Moment(9.0, 9.0), 5.0)
    assert (told[6].event, told[6].facts["heard_t"], witnesses.network_lost) == ("network_lost", 4.0, True)
    assert witnesses.in_own_gap
    for source in sources:
        source.answer = None
    assert [witnesses.ask(Moment(t, t), 5.0) and witnesses.in_own_gap for t in (11.0, 12.0)] == [True, False]
    assert witnesses.answers("page")


def test_what_breaks_a_source_is_a_fault_and_ends_nothing() -> None:
    """GIVEN a source whose answer breaks it THEN a fault with its kind, and the others are heard."""

    class Broken(Scripted):
        def look(self, now: Moment) -> Finding:
            raise KeyError("x")

    told: list[Told] = []
    witnesses = Witnesses(
        [Broken("page", None), Scripted("log", None)], ScriptedClock(), told.append, lambda t, text: None
    )
    assert list(witnesses.ask(Moment(1.0, 1.0), 5.0)) == ["log"]
    assert told[0].facts["reason"] == "cannot be read (KeyError)"


def test_what_nobody_has_heard_yet_is_not_remembered() -> None:
    """GIVEN an answer that comes late WHEN nobody has heard it THEN a soak that goes on asks for it again."""
    may_answer = threading.Event()

    class Late(Scripted):
        seen = 0

        def look(self, now: Moment) -> Finding:
            self.seen += 1
            assert may_answer.wait(30)
            return Finding()

        def state(self) -> dict[str, object]:
            return {"seen": self.seen}

    witnesses = Witnesses([Late("page", None)], ScriptedClock(), lambda told: None, lambda t, text: None)
    assert witnesses.ask(Moment(1.0, 1.0), 0.01) == {}
    assert witnesses.states() == {"page": {"seen": 0}}
    may_answer.set()
    assert list(witnesses.ask(Moment(2.0, 2.0), 30)) == ["page"]
    assert witnesses.states() == {"page": {"seen": 1}}


def test_a_clocks_skew_is_told_when_it_changes_by_more_than_two_seconds() -> None:
    """GIVEN a source ahead by 2 s, by 2.5, by 4 and by 5 THEN told once at 2.5, and again at 5."""
    told: list[Told] = []

    class Ahead(Scripted):
        ahead_s = 0.0

        def look(self, now: Moment) -> Finding:
            return Finding(ahead_s=self.ahead_s)

    source = Ahead("machines", None)
    witnesses = Witnesses([source], ScriptedClock(), told.append, lambda t, text: None)
    for source.ahead_s in (2.0, 2.5, 4.0, 5.0):
        witnesses.ask(Moment(1.0, 1.0), 5.0)
    assert [one.facts["ahead_s"] for one in told if one.event == "clock_skew"] == [2.5, 5.0]
