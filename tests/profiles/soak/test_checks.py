"""What is found out before anything is written: one line, the right exit code, the way out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from profiles.errors import OomproofError
from profiles.soak import checks
from profiles.soak.asked import Secrets
from profiles.soak.checks import check
from profiles.soak.web import Answer, Fault, Place
from tests.profiles.soak.scripted import FLY, PAGE, ScriptedClock, World, enter

REFUSED = Fault("refused", "nothing listens there")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that is well; checks wait for nobody."""
    world = World(ScriptedClock())
    enter(monkeypatch, world)
    monkeypatch.setattr(checks, "ask", world.ask)
    return world


def checked(world: World, *, fly: bool = True) -> tuple[int, str]:
    """The exit code and the line of a check that fails."""
    with pytest.raises(OomproofError) as error:
        check(FLY if fly else PAGE, Secrets("t"), lambda line: None, world.clock)
    assert "\n" not in str(error.value)
    return error.value.exit_code, str(error.value)


def test_all_is_well(world: World) -> None:
    """GIVEN a world that answers THEN the machine's memory is the limit; without Fly it is what was asked for."""
    assert check(FLY, Secrets("t"), lambda line: None, world.clock).limit_mb == 4096
    assert check(PAGE, Secrets(), lambda line: None, world.clock).limit_mb is None


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("status", "status 401", 401), 2, "asks for a password"),
        (Fault("status", "status 404", 404), 2, "no metrics page there"),
        (Fault("status", "status 302, and leads to http://x.test", 302), 2, "leads to http://x.test"),
        (Fault("status", "status 503", 503), 4, "status 503"),
        (Fault("status", "status 429", 429), 4, "status 429"),
        (REFUSED, 4, "nothing listens there"),
        (Fault("network", "no host has this name"), 4, "no host has this name"),
        (Fault("tls", "its certificate is not trusted (self-signed certificate)"), 4, "SSL_CERT_FILE"),
    ],
)
def test_a_page_that_cannot_be_had(world: World, fault: Fault, code: int, said: str) -> None:
    """GIVEN a fault of the page THEN its own exit code, and a line that names the page and the way out."""
    world.down = lambda who, t: fault if who == "page" else None
    found = checked(world, fly=False)
    assert found[0] == code
    assert said in found[1]
    assert "http://app.test/metrics" in found[1]


def test_a_page_that_is_html_is_wrong_use(world: World) -> None:
    """GIVEN a web page THEN wrong use: --metrics."""
    world.page = b"<!DOCTYPE html><html></html>"
    code, line = checked(world, fly=False)
    assert code == 2
    assert "--metrics" in line


@pytest.mark.parametrize("who", ["machines", "prometheus"])
@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("status", "status 401", 401), 2, "FLY_API_TOKEN"),
        (Fault("status", "status 404", 404), 2, "no such"),
        (Fault("content", "the answer is HTML"), 2, "HTML"),
        (Fault("status", "status 502", 502), 4, "502"),
        (Fault("status", "status 429", 429), 4, "429"),
        (REFUSED, 4, "none"),
        (Fault("tls", "TLS fails"), 4, "SSL_CERT_FILE"),
    ],
)
def test_fly_that_cannot_be_asked(world: World, who: str, fault: Fault, code: int, said: str) -> None:
    """GIVEN a fault of one of Fly's interfaces THEN its own exit code, and the variable or option to see to."""
    world.down = lambda asked, t: fault if asked == who else None
    found = checked(world)
    assert found[0] == code
    assert said in found[1]


def machines(monkeypatch: pytest.MonkeyPatch, *found: dict[str, object]) -> None:
    """Have the machines API answer with these."""
    said = [{"events": [], **one} for one in found]
    monkeypatch.setattr(
        "profiles.soak.machines.ask", lambda place, **_: Answer(json.dumps(said).encode(), 0.0)
    )


def test_an_app_without_a_machine_and_one_with_two(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN none, or two awake THEN wrong use: a soak watches one; the one that requests are forced to is enough."""
    machines(monkeypatch)
    assert "has no machine" in checked(world)[1]
    machines(monkeypatch, {"id": "m1", "state": "started"}, {"id": "m2", "state": "started"})
    code, line = checked(world)
    assert code == 2
    assert "fly-force-instance-id: m1" in line
    forced = Secrets("t", {"Fly-Force-Instance-Id": "m2"})
    world.down = lambda who, t: None
    assert (
        check(replace(FLY, fly_prometheus=""), forced, lambda line: None, world.clock).asked.fly_machine
        == "m2"
    )


def test_a_machine_that_is_asleep_is_told_and_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a stopped machine whose page answers after 20 s THEN it is told, and all is well; never: exit code 4."""
    machines(monkeypatch, {"id": "m1", "state": "stopped"})
    world.down = lambda who, t: REFUSED if who == "page" and t < 20 else None
    told: list[str] = []
    assert check(FLY, Secrets("t"), told.append, world.clock).limit_mb == 4096
    assert "m1 is stopped" in told[0]
    world.down = lambda who, t: REFUSED if who == "page" else None
    code, line = checked(world)
    assert code == 4
    assert "m1 is stopped" in line
    assert world.t < 120


def test_a_certificate_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine asleep and a certificate that is not trusted THEN it is told at once."""
    machines(monkeypatch, {"id": "m1", "state": "stopped"})
    world.down = lambda who, t: Fault("tls", "its certificate is not trusted (x)") if who == "page" else None
    assert checked(world)[0] == 4
    assert world.t == 0


def test_a_header_of_the_targets_goes_to_no_other_host() -> None:
    """GIVEN a metrics page of another host, and of another port THEN only the latter gets the header."""
    secrets = Secrets("", {"X-Key": "k"})
    for address, headers in (
        ("http://other.test/metrics", {}),
        ("http://app.test:9091/metrics", {"X-Key": "k"}),
    ):
        assert checks.page_place(replace(PAGE, metrics=address), secrets) == Place(address, headers)
