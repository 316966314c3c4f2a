"""HTTP at its edge: real answers, real faults, on loopback."""

from __future__ import annotations

import socket
from email.utils import formatdate

import pytest

from profiles.soak.web import Fault, Place, _ahead_s, ask
from tests.profiles.web import says, serving


@pytest.mark.parametrize(
    ("date_s", "received_s", "ahead_s"),
    [(90, 0.2, 90.4), (0, 0.5, 0.0), (-0.5, 0.2, 0.0), (-2, 0.2, -1.6), (90, 1.5, None), (None, 0.2, None)],
)
def test_a_clock_is_told_by_the_date_as_far_as_that_is_sure(
    date_s: float | None, received_s: float, ahead_s: float | None
) -> None:
    """GIVEN a Date in whole seconds THEN the clock's lead beyond what they leave open; a slow answer tells nothing."""
    sent_s = 1_800_000_000.0
    date = None if date_s is None else formatdate(sent_s + date_s, usegmt=True)
    assert _ahead_s(date, sent_s, sent_s + received_s) == (
        None if ahead_s is None else pytest.approx(ahead_s, abs=0.6)
    )


def test_what_is_sent_along_arrives_and_the_answer_is_read() -> None:
    """GIVEN a header THEN it arrives, and the JSON is read."""
    with serving(says(200, b'{"a": 1}')) as web:
        answer = ask(Place(f"{web.url}/x", {"X-Key": "k"}))
        assert answer.json() == {"a": 1}
        assert web.seen[-1]["X-Key"] == "k"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "status"), (404, "status"), (302, "status"), (500, "status"), (200, "content")]
)
def test_what_is_no_answer_is_a_fault_of_its_kind(status: int, kind: str) -> None:
    """GIVEN a status, a redirect, or HTML where JSON is wanted THEN a fault of that kind, without the query."""
    with (
        serving(says(status, b"<html>", Location="http://elsewhere.test/?token=geheim")) as web,
        pytest.raises(Fault) as fault,
    ):
        ask(Place(f"{web.url}/?key=geheim")).json()
    assert fault.value.kind == kind
    assert "geheim" not in str(fault.value)
    assert not fault.value.unconnected


def test_nobody_there_is_no_connection() -> None:
    """GIVEN a port that nobody listens on, and a name that nobody has THEN both say so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Fault, match="nothing listens there") as refused:
        ask(Place(f"http://127.0.0.1:{port}/"))
    assert (refused.value.kind, refused.value.unconnected) == ("refused", True)


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    """GIVEN a server that accepts and says nothing THEN a fault after the time given."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Fault, match=r"within 0.2 s") as fault:
            ask(Place(f"http://127.0.0.1:{silent.getsockname()[1]}/"), within_s=0.2)
    assert fault.value.kind == "silent"
