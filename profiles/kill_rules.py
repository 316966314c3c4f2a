"""What kills and ends mean for a verdict: which make a run invalid, and what else an ended server showed."""

from __future__ import annotations

import signal

from profiles.death import Death, deaths
from profiles.kill_counter import earliest_t, load_end_t
from profiles.kills import (
    is_attached,
    is_emulated,
    is_remote,
    kill_events,
    machine_is_vm,
    outside_kills,
)
from profiles.run_folder import Event, RunFolder

ASKED_TO_END = frozenset({0, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGINT})
"""How a server ends that is done, or that somebody stops; the last two are how shells and containers tell it."""


def misplaced_kills(folder: RunFolder) -> list[str]:
    """Return why kills make the run invalid: they were not for the VM's limit, or hit somebody outside it.

    What was only watched has no limit of the run's own: whichever killed it is the true one.
    """
    reasons = []
    attached = is_attached(folder)
    kills = kill_events(folder)
    if not (attached or machine_is_vm(folder)) and any(kill.facts.get("whole_machine") for kill in kills):
        reasons.append("machine: it ran out of memory itself, so the limit is not what killed")
    around = next((kill for kill in kills if kill.facts.get("limit_of") == "outside"), None)
    if around is not None and not attached:
        reasons.append(f"machine: the limit of {around.text('memcg')} was hit, which is not the VM's")
    outside = [kill for kill in outside_kills(folder) if not attached or kill.text("role") != "other"]
    return reasons + [
        f"{_whose(kill)}: the kernel killed it outside the VM: {kill.text('line')}" for kill in outside
    ]


def counted_kills(folder: RunFolder, kills: int) -> str:
    """Return the first line of evidence of a run with so many kills: who counted them."""
    if is_emulated(folder):
        return f"emulated limit: the watchdog killed {kills} in this VM, not the kernel"
    if is_remote(folder):
        return f"kills for memory that were told of: {kills}"
    counted = f"the kernel counted {kills} kills in this VM"
    readable = all(event.facts.get("kernel_log_readable", True) for event in folder.named("recording"))
    return counted if readable else f"{counted}; its log could not be read, so the victims are not named"


def kills_after_load(folder: RunFolder) -> list[str]:
    """Return the kills between the load's end and the question whether the server is well: they count for no load."""
    end_t = load_end_t(folder)
    asked_t = max((event.t for event in folder.named("health")), default=end_t)
    late = [kill for kill in folder.named("oom_kill") if end_t < earliest_t(kill) <= asked_t]
    return [f"after the load: {kill.text('line')}" for kill in late]


def ended_server(folder: RunFolder) -> tuple[str, list[str]] | None:
    """Return the verdict on a server that ended though no kill is known, with its evidence; None: it never did.

    `killed` and `crashed` are claims, and need proof. An end of unknown cause proves neither, and the server did
    not survive it: no verdict says that, so the run is `invalid`, which no gate takes for a pass or a regression.
    Beside an end whose cause is proven it changes nothing.
    """
    ends = [death for death in deaths(folder) if death.role == "server"]
    if is_attached(folder):  # who watches did not start it, and others may end it when they like
        ends = [end for end in ends if end.returncode not in ASKED_TO_END]
    if not ends:
        return None
    proven = [end for end in ends if end.cause != "unknown"]
    if not proven:
        return "invalid", [line for end in ends for line in _told(end)]
    verdict = "killed" if any(end.cause == "sigkill_by_other" for end in proven) else "crashed"
    return verdict, [line for end in ends for line in _told(end)]


def _told(end: Death) -> list[str]:
    if end.cause == "unknown":
        first = "server: it ended, and nobody can tell how"
        return [f"{first} ({end.evidence[0]})", *end.evidence[1:]]
    status, *lines = end.evidence
    return [f"server: ended with {status.replace('exit ', '')}, no kernel kill", *lines]


def _whose(kill: Event) -> str:
    roles = {"load": "load", "harness": "harness"}
    pid, comm = kill.text("pid"), kill.text("comm")
    return f"{roles.get(kill.text('role'), 'machine')}: {comm or 'a process'} (pid {pid})"
