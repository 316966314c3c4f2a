"""What a person says to a soak: each mistake is one line with the way out, and no secret is in any."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.soak.asked import Asked, Secrets
from profiles.soak.options import add_options, asked_of, refuse_beside_resume, secrets_of

TARGET = ("--target", "https://reader.example.com/")
ENVIRONMENT = {"FLY_API_TOKEN": "fm2_x", "FLY_ORG": "my org"}


def chosen(*words: str) -> argparse.Namespace:
    """The options as they are parsed."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(list(words))


def asked(*words: str, **environment: str) -> Asked:
    """What is asked for with these words."""
    options = chosen(*words)
    return asked_of(options, secrets_of(options, environment), environment)


def test_the_defaults() -> None:
    """GIVEN a target alone THEN four cached readers for eight hours, the page every 15 s, and no Fly."""
    found = asked(*TARGET)
    assert (found.mode, found.readers, found.pace, found.seconds, found.interval_s) == (
        "cached",
        4,
        1,
        28800,
        15,
    )
    assert (found.metrics, found.window_s, found.on_alarm) == (
        "https://reader.example.com/metrics",
        1800,
        "continue",
    )
    assert (found.fly_prometheus, found.fly_machines, found.most.restarts) == ("", "", 0)


def test_fly_is_asked_where_it_is_unless_told_elsewhere() -> None:
    """GIVEN an app THEN Fly's own addresses, with the organisation; `none` leaves one out."""
    found = asked(*TARGET, "--fly-app", "app", **ENVIRONMENT)
    assert found.fly_prometheus == "https://api.fly.io/prometheus/my%20org"
    assert found.fly_machines == "https://api.machines.dev"
    found = asked(
        *TARGET,
        "--fly-app",
        "app",
        "--fly-machines",
        "none",
        "--fly-prometheus",
        "http://p.test/",
        **ENVIRONMENT,
    )
    assert (found.fly_prometheus, found.fly_machines) == ("http://p.test", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--target: is missing"),
        (("--target", "reader.example.com"), "--target reader.example.com: no http"),
        (("--target", "https://me:geheim@reader.test"), "--target: holds a user's name"),
        (("--target", "https://reader.test/?key=geheim"), "--target https://reader.test/: no http"),
        ((*TARGET, "--readers", "-1"), "--readers -1: too few"),
        ((*TARGET, "--pace", "0"), "--pace 0: no number above 0"),
        ((*TARGET, "--for", "long"), "--for 'long': no time"),
        ((*TARGET, "--interval", "0.5s"), "--interval 0.5s: from 1s to 5m"),
        ((*TARGET, "--interval", "6m"), "--interval 360s: from 1s to 5m"),
        ((*TARGET, "--window", "20s"), "--window 20s: shorter than two intervals"),
        ((*TARGET, "--metrics", "metrics"), "--metrics 'metrics'"),
        ((*TARGET, "--metrics", "none"), "nobody tells of memory"),
        ((*TARGET, "--most-failures", "2"), "--most-failures 2: no share"),
        ((*TARGET, "--most-stalls", "1"), "--most-stalls 1: no share"),
        ((*TARGET, "--most-memory-mb", "0"), "--most-memory-mb 0"),
        ((*TARGET, "--most-growth-mb-per-hour", "-1"), "--most-growth-mb-per-hour -1"),
        ((*TARGET, "--most-restarts", "-1"), "--most-restarts -1"),
        ((*TARGET, "--webhook", "geheim"), "--webhook: no http"),
        ((*TARGET, "--header", "geheim"), "--header: not NAME: VALUE"),
        ((*TARGET, "--document", "/no/book.pdf"), "--document /no/book.pdf: No such file"),
        ((*TARGET, "--log", "/no/app.log"), "--log /no/app.log: No such file"),
        ((*TARGET, "--fly-machines", "http://x.test"), "--fly-app: is missing"),
        ((*TARGET, "--fly-app", "a"), "FLY_ORG: is not set"),
        ((*TARGET, "--fly-app", "a", "--fly-prometheus", "none"), "FLY_API_TOKEN: is not set"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], said: str) -> None:
    """GIVEN a value that cannot be used THEN wrong use, one line that names it, and no secret."""
    with pytest.raises(OomproofError) as error:
        asked(*words)
    assert said in str(error.value)
    assert "geheim" not in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("token", "sent"),
    [
        ("fm2_x", "FlyV1 fm2_x"),
        ("FlyV1 fm2_x,fm2_y", "FlyV1 fm2_x,fm2_y"),
        (" fm1r_x\n", "FlyV1 fm1r_x"),
        ("Bearer fm2_x", "FlyV1 fm2_x"),
        ("Bearer fo1_x", "Bearer fo1_x"),
        ("fo1_x", "Bearer fo1_x"),
    ],
)
def test_a_token_is_sent_as_fly_wants_it(token: str, sent: str) -> None:
    """GIVEN a token of `fly tokens create`, or one of an account, bare or not THEN each with its own word."""
    assert secrets_of(chosen(), {"FLY_API_TOKEN": token}).fly == {"Authorization": sent}


def test_secrets_come_from_the_environment_too_and_are_shown_by_nobody() -> None:
    """GIVEN headers and a webhook there THEN they are used; what they are is not in what is written or printed."""
    environment = {
        "OOMPROOF_SOAK_HEADERS": "X-A: geheim1\n\nX-B: geheim2\n",
        "OOMPROOF_SOAK_WEBHOOK": "https://h.test/geheim4?k=geheim3",
    }
    options = chosen(*TARGET)
    secrets = secrets_of(options, environment)
    assert (secrets.headers, secrets.webhook) == (
        {"X-A": "geheim1", "X-B": "geheim2"},
        "https://h.test/geheim4?k=geheim3",
    )
    found = asked_of(options, secrets, environment)
    assert (found.header_names, found.webhook) == (("X-A", "X-B"), "h.test")
    assert "geheim" not in f"{found.to_json()} {found} {secrets}"


def test_what_was_asked_comes_back_from_its_json() -> None:
    """GIVEN what was asked THEN its JSON gives the same."""
    found = asked(*TARGET, "--most-memory-mb", "3000", "--header", "X-A: b")
    assert Asked.from_json(found.to_json()).to_json() == found.to_json()


def test_a_resumed_soak_is_not_asked_anew() -> None:
    """GIVEN --resume THEN an option of before is refused; target, headers and webhook are not."""
    refuse_beside_resume(chosen("--resume", "x", *TARGET, "--header", "A: b", "--webhook", "http://h.test"))
    for words in (("--readers", "0"), ("--for", "1h"), ("--out", "y"), ("--most-restarts", "0")):
        with pytest.raises(OomproofError, match=f"^{words[0]}: --resume goes on"):
            refuse_beside_resume(chosen("--resume", "x", *words))


def test_a_log_and_a_document_are_known_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN names below the folder that we are in THEN a soak that goes on elsewhere finds them."""
    (tmp_path / "app.log").touch()
    monkeypatch.chdir(tmp_path)
    assert asked(*TARGET, "--log", "app.log").log == str(tmp_path / "app.log")


def test_no_secret_is_a_header_for_fly() -> None:
    """GIVEN no token THEN nothing is sent."""
    assert Secrets().fly == {}
