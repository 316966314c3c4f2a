"""Everything that a soak needs, asked once before anything is written: a mistake is one line, and never a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from profiles.errors import OomproofError, RunError
from profiles.remote_page import RESIDENT, read_page
from profiles.soak.asked import Asked, Secrets, same_host
from profiles.soak.machines import AWAKE, MachinesSource
from profiles.soak.moments import Clock, SystemClock
from profiles.soak.prometheus import AVAILABLE, TOTAL, PrometheusSource
from profiles.soak.web import Fault, Place, ask
from profiles.vm_size import MIB

WAKES_WITHIN_S = 60.0
"""A machine that Fly let sleep answers again by then."""
ASK_AGAIN_S = 2.0
_LOOK_BACK_S = 300.0
_TOO_OFTEN = 429
_FORCED = "fly-force-instance-id"
"""The header that has Fly's proxy send a request to one machine."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What the checks found out: which machine is watched, and its memory."""

    asked: Asked
    limit_mb: float | None = None


def page_place(asked: Asked, secrets: Secrets) -> Place:
    """Return where the metrics page is; a header for the target is sent to no other host."""
    headers = secrets.headers if same_host(asked.metrics, asked.target) else {}
    return Place(asked.metrics, headers)


def check(asked: Asked, secrets: Secrets, tell: Tell, clock: Clock | None = None) -> Found:
    """Return what is there to be watched.

    Raises:
        OomproofError: a mistake (exit code 2), or something that does not answer (4).
    """
    asleep, clock = "", clock or SystemClock()
    if asked.fly_machines and asked.fly_app is not None:
        asked, asleep = _check_machines(asked, secrets)
    if asleep:
        tell(asleep)
    if asked.metrics:
        _check_page(asked, secrets, asleep, tell, clock)
    limit_mb = _check_prometheus(asked, secrets, asleep, clock) if asked.fly_prometheus else None
    return Found(asked, limit_mb if limit_mb is not None else asked.most.memory_mb)


def _check_page(asked: Asked, secrets: Secrets, asleep: str, tell: Tell, clock: Clock) -> None:
    place = page_place(asked, secrets)
    deadline = clock.monotonic() + (WAKES_WITHIN_S if asleep else 0.0)
    while True:
        try:
            page = read_page(ask(place).text)
            break
        except Fault as fault:
            waking = fault.unconnected or (fault.status or 0) >= 500
            if not waking or fault.kind == "tls" or clock.monotonic() >= deadline:
                raise _page_error(place, fault, asleep) from None
            tell(f"{place.shown}: {fault}; asking again, it may wake up")
            clock.sleep(ASK_AGAIN_S)
    if page.server_rss_bytes is None:
        raise OomproofError(
            f"{place.shown}: says no {RESIDENT}: this is no metrics page. Give its path with --metrics, or none."
        )


def _page_error(place: Place, fault: Fault, asleep: str) -> OomproofError:
    if fault.status in (401, 403):
        return OomproofError(
            f"{place.shown}: asks for a password ({fault}). Give --header 'Authorization: …'; a header goes to the "
            "target's own host only."
        )
    if _is_wrong(fault):
        return OomproofError(
            f"{place.shown}: no metrics page there ({fault}). Give its path with --metrics, or none."
        )
    if fault.kind == "tls":
        return RunError(f"{place.shown}: {fault}. Mend it, or name who signed it in SSL_CERT_FILE.")
    if asleep:
        return RunError(
            f"{place.shown}: {fault} within {WAKES_WITHIN_S:g} s, and {asleep} Start it: fly machine start."
        )
    return RunError(f"{place.shown}: {fault}. See to --target and --metrics, and whether the server runs.")


def _is_wrong(fault: Fault) -> bool:
    """Whether a status says that something else was to be asked for; 429 says that it was asked too often."""
    return fault.status is not None and fault.status < 500 and fault.status != _TOO_OFTEN


def _check_machines(asked: Asked, secrets: Secrets) -> tuple[Asked, str]:
    """Return the one machine that is watched, and a sentence where it is asleep; empty where it is awake."""
    forced = next((value for name, value in secrets.headers.items() if name.lower() == _FORCED), None)
    place = Place(asked.fly_machines, secrets.fly)
    try:
        machines, _ = MachinesSource(place, asked.fly_app or "", forced, {}).machines()
    except Fault as fault:
        raise _fly_error(
            "--fly-machines", place, fault, f"--fly-app {asked.fly_app}: Fly knows no such app"
        ) from None
    serving = [one for one in machines if one.get("state") != "destroyed"]
    awake = [one for one in serving if one.get("state") in AWAKE]
    if not serving:
        raise OomproofError(f"--fly-app {asked.fly_app}: it has no machine. Deploy it first.")
    if len(awake) > 1:
        names = ", ".join(str(one["id"]) for one in awake)
        raise OomproofError(
            f"--fly-app {asked.fly_app}: {len(awake)} machines are awake ({names}), and a soak watches one. "
            f"fly scale count 1, or --header '{_FORCED}: {awake[0]['id']}'."
        )
    asked = replace(asked, fly_machine=forced)
    if awake:
        return asked, ""
    return asked, f"machine {serving[0]['id']} is {serving[0].get('state')} (auto-stop, or stopped by hand)."


def _check_prometheus(asked: Asked, secrets: Secrets, asleep: str, clock: Clock) -> float | None:
    """Return the machine's memory in MB; None where Fly's Prometheus has nothing of it yet."""
    place = Place(asked.fly_prometheus, secrets.fly)
    source = PrometheusSource(place, asked.fly_app or "", asked.fly_machine, {})
    now = clock.wall()
    try:
        _, ahead_s = source.ask(TOTAL, now, now)
        theirs = now + (ahead_s or 0.0)
        total, _ = source.ask(TOTAL, theirs - _LOOK_BACK_S, theirs)
        available, _ = source.ask(AVAILABLE, theirs - _LOOK_BACK_S, theirs)
    except Fault as fault:
        raise _fly_error(
            "--fly-prometheus", place, fault, f"{place.shown}: no such organisation: see to FLY_ORG"
        ) from None
    newest = [points[max(points)] for points in total.values() if points]
    if newest and any(available.values()):
        return max(newest) / MIB
    if not asleep and not asked.metrics:
        raise OomproofError(
            f"--fly-app {asked.fly_app}: {place.shown} has no memory of it in the last 5 min. See to the name "
            "and to FLY_ORG, or wait a minute after a deploy: Fly tells samples late."
        )
    return None


def _fly_error(option: str, place: Place, fault: Fault, unknown: str) -> OomproofError:
    if fault.status in (401, 403):
        return OomproofError(
            f"{option} {place.shown}: does not take the token of FLY_API_TOKEN ({fault}). Make one: fly tokens create "
            "readonly."
        )
    if fault.status == 404:
        return OomproofError(f"{unknown} (status 404).")
    if fault.kind == "content" or _is_wrong(fault):
        return OomproofError(f"{option} {place.shown}: {fault}. Is this the right address?")
    if fault.kind == "tls":
        return RunError(f"{option} {place.shown}: {fault}. Mend it, or name who signed it in SSL_CERT_FILE.")
    return RunError(f"{option} {place.shown}: {fault}. See to the network, or go without: {option} none.")
