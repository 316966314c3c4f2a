"""What can be said to `oomproof soak`, checked before anything is asked of anybody."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args
from urllib.parse import quote, urlsplit

from profiles.attach_command import seconds_of
from profiles.errors import OomproofError
from profiles.remote_page import header_of
from profiles.soak.alarms import Thresholds
from profiles.soak.asked import NONE, Asked, OnAlarm, Secrets, metrics_address
from profiles.target_command import check_path, is_web_address

MODES = ("live", "cached", "hybrid")
TOKEN, ORGANISATION = "FLY_API_TOKEN", "FLY_ORG"
HEADERS, WEBHOOK = "OOMPROOF_SOAK_HEADERS", "OOMPROOF_SOAK_WEBHOOK"
"""Where secrets can be given that no process list may show; of headers one a line."""
PROMETHEUS, MACHINES = "https://api.fly.io/prometheus", "https://api.machines.dev"
_SHORTEST_INTERVAL_S, _LONGEST_INTERVAL_S = 1.0, 300.0
_AT_RESUME = frozenset({"resume", "target", "header", "webhook", "run"})


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; none has a default here, so that it is known which were given."""
    add = parser.add_argument
    add("--target", metavar="URL", help="the server's address, such as https://reader-staging.fly.dev")
    add("--mode", choices=MODES, help="how they read (cached)")
    add("--readers", type=int, help="how many people read at once; 0 only watches (4)")
    add("--pace", type=float, help="how much faster than real time they read (1)")
    add(
        "--document",
        type=Path,
        help="PDF, EPUB, text or Markdown to read (the language reference, built here)",
    )
    add("--for", dest="how_long", metavar="TIME", help="how long, such as 30m, 8h or 3d (8h)")
    add("--interval", metavar="TIME", help="how often all are asked (15s)")
    add("--metrics", metavar="PATH|URL|none", help="where the server's metrics page is (/metrics)")
    add(
        "--header",
        action="append",
        metavar="NAME: VALUE",
        help="sent to the target with each request; repeatable",
    )
    add("--fly-app", metavar="NAME", help="the app on Fly, whose Prometheus and machines are asked too")
    add("--fly-prometheus", metavar="URL", help=f"none, or another than {PROMETHEUS}/$FLY_ORG")
    add("--fly-machines", metavar="URL", help=f"none, or another than {MACHINES}")
    add(
        "--log",
        type=Path,
        metavar="FILE",
        help="a log that grows, such as that of `fly logs`, read for kills",
    )
    add("--window", metavar="TIME", help="what thresholds are held against: the last so long (30m)")
    add("--most-memory-mb", type=float, metavar="N", help="alarm above so much memory")
    add("--most-growth-mb-per-hour", type=float, metavar="N", help="alarm when it surely grows by more")
    add(
        "--most-failures",
        type=float,
        metavar="SHARE",
        help="alarm above this share of failed requests for audio",
    )
    add(
        "--most-restarts",
        type=int,
        metavar="N",
        help="alarm above so many restarts that nobody asked for (0)",
    )
    add("--most-stalls", type=float, metavar="SHARE", help="alarm above this share of stalled blocks")
    add(
        "--on-alarm",
        choices=get_args(OnAlarm),
        help="whether an alarm ends the soak, with exit code 1 (continue)",
    )
    add("--webhook", metavar="URL", help="POSTed each alarm as JSON")
    add("--out", type=Path, help="folder for the results (default: a new one in reports/runs)")
    add(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="go on with the soak in a folder, as it was asked for at first",
    )


def refuse_beside_resume(chosen: argparse.Namespace) -> None:
    """Raise OomproofError for an option that a resumed soak was given at first, and cannot be changed."""
    for name, value in vars(chosen).items():
        if value is not None and name not in _AT_RESUME:
            option = "for" if name == "how_long" else name.replace("_", "-")
            raise OomproofError(
                f"--{option}: --resume goes on with what was asked for at first. Leave it out."
            )


def secrets_of(chosen: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Secrets:
    """Return what is sent along, from the options and the environment.

    Raises:
        OomproofError: one cannot be sent; the message does not hold it.
    """
    lines = [*environment.get(HEADERS, "").splitlines(), *(chosen.header or ())]
    headers = dict(header_of(line) for line in lines if line.strip())
    webhook = chosen.webhook or environment.get(WEBHOOK, "")
    if webhook and not is_web_address(webhook):
        raise OomproofError("--webhook: no http(s) address. Give one such as https://hooks.example.com/soak.")
    token = environment.get(TOKEN, "").strip()
    if not (token.isprintable() and token.isascii()):
        raise OomproofError(f"{TOKEN}: holds what no header can. Set it to what fly tokens create printed.")
    return Secrets(token, headers, webhook)


def asked_of(
    chosen: argparse.Namespace, secrets: Secrets, environment: Mapping[str, str] = os.environ
) -> Asked:
    """Return what was asked for.

    Raises:
        OomproofError: a value cannot be used; names it and the way out.
    """
    target = _target(chosen.target)
    asked = Asked(
        target=target,
        mode=chosen.mode or "cached",
        readers=_at_least("--readers", chosen.readers, 4, 0),
        pace=_positive("--pace", chosen.pace, 1.0),
        document=_file("--document", chosen.document),
        seconds=_seconds("--for", chosen.how_long, "8h"),
        interval_s=_seconds("--interval", chosen.interval, "15s"),
        metrics=_metrics(target, chosen.metrics or "/metrics"),
        log=_file("--log", chosen.log),
        window_s=_seconds("--window", chosen.window, "30m"),
        most=_thresholds(chosen),
        on_alarm=chosen.on_alarm or "continue",
        header_names=tuple(secrets.headers),
        webhook=_host_of(secrets.webhook),
    )
    _check_times(asked)
    return _with_fly(asked, chosen, secrets, environment)


def _host_of(webhook: str) -> str:
    """Return whose a webhook is: its path is a password too where many of them are made."""
    return urlsplit(webhook).hostname or ""


def _with_fly(
    asked: Asked, chosen: argparse.Namespace, secrets: Secrets, environment: Mapping[str, str]
) -> Asked:
    given = chosen.fly_prometheus or chosen.fly_machines
    if chosen.fly_app is None:
        if given:
            raise OomproofError("--fly-app: is missing. Name the app that is to be asked for.")
        if not asked.metrics:
            raise OomproofError("--metrics none: then nobody tells of memory. Give --fly-app, or a page.")
        return asked
    organisation = environment.get(ORGANISATION, "").strip()
    prometheus = chosen.fly_prometheus or (
        f"{PROMETHEUS}/{quote(organisation, safe='')}" if organisation else ""
    )
    if not prometheus:
        raise OomproofError(f"{ORGANISATION}: is not set. export {ORGANISATION}=…, or --fly-prometheus none.")
    asked = replace(
        asked,
        fly_app=chosen.fly_app,
        fly_prometheus=_address("--fly-prometheus", prometheus),
        fly_machines=_address("--fly-machines", chosen.fly_machines or MACHINES),
    )
    if not secrets.token and (asked.fly_prometheus or asked.fly_machines):
        raise OomproofError(f"{TOKEN}: is not set. export {TOKEN}=$(fly tokens create readonly).")
    if not asked.metrics and not asked.fly_prometheus:
        raise OomproofError("--metrics none: then nobody tells of memory. Leave --fly-prometheus none out.")
    return asked


def _target(url: str | None) -> str:
    if url is None:
        raise OomproofError("--target: is missing. Name the server: --target https://reader-staging.fly.dev.")
    if urlsplit(url).username is not None:
        raise OomproofError(
            "--target: holds a user's name. Leave it out, and give --header 'Authorization: …'."
        )
    return _address("--target", url, none=False)


def _address(option: str, url: str, *, none: bool = True) -> str:
    if none and url == NONE:
        return ""
    parts = urlsplit(url)
    if not is_web_address(url) or parts.query or parts.fragment:
        raise OomproofError(f"{option} {parts._replace(query='', netloc=parts.netloc.rpartition('@')[2]).geturl()}: "
                            "no http(s) address. Give one such as https://reader.example.com.")  # fmt: skip
    return url.rstrip("/")


def _metrics(target: str, metrics: str) -> str:
    if metrics == NONE or is_web_address(metrics):
        return metrics_address(target, metrics)
    try:
        check_path(metrics)
    except ValueError as error:
        raise OomproofError(f"--metrics {metrics!r}: {error}; or an address, or none.") from None
    return target + metrics


def _thresholds(chosen: argparse.Namespace) -> Thresholds:
    for name in ("most_failures", "most_stalls"):
        share = getattr(chosen, name)
        if share is not None and not 0 <= share < 1:
            raise OomproofError(
                f"--{name.replace('_', '-')} {share:g}: no share. Give one from 0 to below 1."
            )
    if chosen.most_memory_mb is not None:
        _positive("--most-memory-mb", chosen.most_memory_mb, 1.0)
    growth = chosen.most_growth_mb_per_hour
    if growth is not None and not 0 <= growth < float("inf"):
        raise OomproofError(f"--most-growth-mb-per-hour {growth:g}: no growth. Give a number from 0.")
    restarts = _at_least("--most-restarts", chosen.most_restarts, 0, 0)
    return Thresholds(chosen.most_memory_mb, growth, chosen.most_failures, restarts, chosen.most_stalls)


def _check_times(asked: Asked) -> None:
    if not _SHORTEST_INTERVAL_S <= asked.interval_s <= _LONGEST_INTERVAL_S:
        raise OomproofError(
            f"--interval {asked.interval_s:g}s: from 1s to 5m is possible. Give one of these."
        )
    if asked.window_s < 2 * asked.interval_s:
        raise OomproofError(f"--window {asked.window_s:g}s: shorter than two intervals. Give a longer one.")


def _at_least(option: str, value: int | None, default: int, least: int) -> int:
    if value is not None and value < least:
        raise OomproofError(f"{option} {value}: too few. Give a whole number from {least}.")
    return default if value is None else value


def _positive(option: str, value: float | None, default: float) -> float:
    if value is not None and not 0 < value < float("inf"):
        raise OomproofError(f"{option} {value:g}: no number above 0. Give one such as {default:g}.")
    return default if value is None else value


def _seconds(option: str, text: str | None, default: str) -> float:
    try:
        return seconds_of(text or default)
    except OomproofError:
        raise OomproofError(
            f"{option} {text!r}: no time. Give one such as {default}, 90s, 10m or 2h."
        ) from None


def _file(option: str, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with path.open("rb"):
            return str(path.resolve())
    except OSError as error:
        raise OomproofError(f"{option} {path}: {error.strerror}. Name a file that can be read.") from None
