"""Which backend is chosen, from a made-up table."""

from pathlib import Path
from typing import Any

import pytest

from profiles import backends
from profiles.backends import BACKENDS, TABLE, Backend, check_size, choose, enter, offers, own_size, walls_of
from profiles.errors import OomproofError
from profiles.offer import Offer
from profiles.vm_size import VmSize


def backend(
    name: str, reason: str = "", *, available: bool = True, best: bool = True, **more: Any
) -> Backend:
    """A backend that this machine offers, or does not."""
    made = Offer(name, available=available, reason=reason, way_out="Do so." if reason else "", best=best)
    return Backend(name, lambda vm, folder: (vm, folder), lambda: made, **more)  # type: ignore[arg-type,return-value]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> list[Backend]:
    """A table to be filled."""
    made: list[Backend] = []
    monkeypatch.setattr(backends, "TABLE", made)
    return made


def test_the_order_is_from_the_surest_to_the_last_resort() -> None:
    """Kernel limits come before the emulated one, and the machine itself is never taken unasked."""
    assert BACKENDS == ("cgroup v1", "cgroup v2", "systemd scope", "watchdog", "machine", "uml")
    machine = next(offer for offer in offers() if offer.backend == "machine")
    assert (machine.available, machine.best) == (True, False)


def test_every_offer_speaks_for_its_own_backend_in_one_line() -> None:
    """GIVEN this machine THEN each says what it lacks and what to do, or lacks nothing."""
    assert [offer.backend for offer in offers()] == list(BACKENDS)
    for offer in offers():
        assert "\n" not in offer.text
        assert offer.available or offer.reason


def test_the_first_that_is_offered_is_the_best(table: list[Backend]) -> None:
    """GIVEN a refusal, one only by name, and two offers THEN the first of the two is chosen."""
    table += [backend("a", "no", available=False), backend("b", best=False), backend("c"), backend("d")]
    assert choose(None) == "c"
    assert choose("d") == "d"
    assert choose("b") == "b"


def test_where_nothing_is_offered_every_reason_is_given(table: list[Backend]) -> None:
    """GIVEN refusals alone THEN the one line holds each."""
    table += [backend("a", "no root", available=False), backend("b", "no tree", available=False)]
    with pytest.raises(OomproofError, match=r"^no backend can make a VM here \(a: no root; b: no tree\)\."):
        choose(None)


def test_one_that_is_named_and_not_offered_says_why(table: list[Backend]) -> None:
    """GIVEN a name of a backend that cannot be had THEN reason and way out are the line."""
    table.append(backend("a", "no root", available=False))
    with pytest.raises(OomproofError, match=r"^--backend 'a': no root\. Do so\.$"):
        choose("a")


@pytest.mark.parametrize("name", ["docker", "", "attached"])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    """GIVEN a name that nobody offers THEN the line lists what can be asked for."""
    with pytest.raises(OomproofError, match=r"unknown\. Choose one of cgroup v1, cgroup v2, systemd scope"):
        choose(name)


def test_a_backend_is_entered_when_it_is_chosen(table: list[Backend]) -> None:
    """GIVEN one that must be entered THEN it is, only when chosen, and its caveat comes back."""
    entered: list[str] = []
    table += [
        backend("a", "half of it", enter=lambda: entered.append("a")),
        backend("b", enter=lambda: entered.append("b")),
    ]
    assert enter(None).text == "half of it. Do so."
    assert entered == ["a"]


def test_in_a_scope_of_ours_the_backend_is_the_scope(
    table: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a process in its scope, where cgroup v2 is delegated too THEN the report will say how it came to it."""
    table += [backend("cgroup v2"), backend("systemd scope")]
    monkeypatch.setattr("profiles.systemd_scope.inside", lambda: True)
    assert choose(None) == "systemd scope"
    monkeypatch.setattr("profiles.systemd_scope.inside", lambda: False)
    assert choose(None) == "cgroup v2"


def test_the_machine_has_a_size_of_its_own(table: list[Backend], tmp_path: Path) -> None:
    """GIVEN a backend whose VMs have one size THEN it is that; others are asked for."""
    size = VmSize(512, 1, 1.0)
    table += [backend("a", size=lambda: size), backend("b")]
    assert own_size("a") == size
    assert own_size("b") is None
    check_size("a", size)
    check_size("b", VmSize(256, 1, 1.0))
    check_size(None, VmSize(256, 1, 1.0))
    with pytest.raises(OomproofError, match="VM of 511 MB: with --backend a every VM has 512 MB"):
        check_size("a", VmSize(511, 1, 1.0))
    assert walls_of("b", "oomproof-1-1", tmp_path) == ("oomproof-1-1", tmp_path)  # type: ignore[comparison-overlap]


def test_walls_are_opened_for_every_backend_of_the_table() -> None:
    """What is attached to is no VM of ours: its walls are opened by name, and nobody offers them."""
    assert [found.name for found in TABLE if found.offer is None] == ["attached"]
