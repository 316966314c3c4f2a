"""The rules of a verdict, in the order in which they decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profiles.generator import processes_of, saturation
from profiles.kill_rules import counted_kills, ended_server, kills_after_load, misplaced_kills
from profiles.kills import kill_events
from profiles.run_folder import RunFolder
from profiles.service import survival, unanswered, unseen, unserved

MOST_LOAD_LATE_MS = 500.0
"""A generator of whose requests every hundredth is sent later than this no longer plays its readers in time."""
MOST_UPSTREAM_LATE_SHARE = 0.05
"""More answers than this past their drawn latency, and the upstream was part of what was measured."""
LONGEST_GAP_S = 2.0
"""Samples further apart than this leave too much unseen."""
CUT_OFF = "the load never ended: the run was cut off"
"""The first evidence of a run that somebody ended; one that broke says why before it."""


def decide(folder: RunFolder, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the verdict and its evidence; the first rule that holds decides."""
    invalid = list(_reasons_invalid(folder, values))
    kill_lines = [kill.text("line") for kill in kill_events(folder)]
    if invalid:
        return "invalid", invalid + kill_lines
    if values["oom_kills"]:
        return "oom_killed", [counted_kills(folder, values["oom_kills"]), *kill_lines]
    if (ended := ended_server(folder)) is not None:
        return ended
    if lost := unseen(folder):
        return "invalid", lost
    return _of_a_server_that_lived(folder, values)


def _of_a_server_that_lived(folder: RunFolder, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    if silence := unanswered(folder, values):
        return "unhealthy", [*silence, *kills_after_load(folder)]
    if failures := unserved(folder, values):
        return "unhealthy", failures
    return "survived", survival(folder, values)


def unmet(expected: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return a line for each expectation that the run did not meet."""
    peak, below = values["peak_tree_rss_mb"], expected.get("peak_tree_rss_mb_below", 0.0)
    found: dict[str, tuple[object, bool]] = {
        key: (values[key], values[key] == expected.get(key)) for key in ("verdict", "stalls", "fallbacks")
    }
    killed = None if values["server_kills"] is None else values["server_kills"] > 0
    found["server_killed"] = (killed, killed == expected.get("server_killed"))
    found["peak_tree_rss_mb_below"] = (peak, peak is not None and peak < below)
    return [
        f"expected {key} = {wanted}, found {found[key][0]}"
        for key, wanted in expected.items()
        if not found[key][1]
    ]


def _reasons_invalid(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    ended, recorded = folder.named("load_ended"), folder.named("recorded")
    reasons = [event.text("reason") for event in folder.named("failed")]
    if not ended or ended[-1].text("reason") == "interrupted":
        return [*reasons, CUT_OFF]
    # A load of somebody's own may well fail because its server died.
    died = values["load_kind"] == "command" and (values["oom_kills"] or folder.named("exited"))
    failed = ended[-1].facts.get("returncode") not in (0, None) and not died
    too_long = ended[-1].text("reason") == "it took too long"
    if too_long and values["load_kind"] == "command":
        reasons.append("load: took longer than its session and a minute. Give it a longer --session-s")
    elif failed or too_long:
        status = ended[-1].text("returncode") or "none"
        reasons.append(f"load: ended with status {status} ({ended[-1].text('reason')})")
    if not recorded or recorded[-1].facts.get("owner_gone"):
        reasons.append("recorder: it did not record to the end")
    reasons += misplaced_kills(folder)
    return [*reasons, *_generator_failed(folder, values), *_witnesses_failed(folder, values)]


def _generator_failed(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    """Return why the generator is not to be trusted.

    Runs from before readers had a mix hold no `generator.csv`: how late they sent is all that judges theirs.
    """
    processes = processes_of(folder)
    if values["load_kind"] == "readers" and values["mix"] is not None and not processes:
        return ["load: generator.csv is missing or empty, so nobody knows whether the load kept up"]
    target: Any = folder.run.get("target") or {}
    return saturation(processes, for_days=target.get("kind") == "soak")


def _witnesses_failed(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    reasons = []
    late_ms, gap_s = (values[key] or 0.0 for key in ("load_late_p99_ms", "longest_sample_gap_s"))
    if values["load_kind"] == "readers" and late_ms > MOST_LOAD_LATE_MS:
        reasons.append(f"load: one request in 100 was sent {late_ms:.0f} ms late or more: fewer readers")
    upstream_late, unfaulted = values["upstream_late"] or 0, _unfaulted(folder, values)
    if upstream_late > MOST_UPSTREAM_LATE_SHARE * unfaulted:
        late = f"{upstream_late:g} of {unfaulted:g}"
        reasons.append(f"speech upstream: {late} answers came later than their drawn latency")
    if values["samples"] == 0:
        reasons.append("recorder: no samples")
    elif (
        gap_s > LONGEST_GAP_S and values["vm_backend"] != "remote"
    ):  # a network and a slow page make gaps too
        cause = "they could not be written" if folder.named("samples_lost") else "the machine was starved"
        reasons.append(f"recorder: {gap_s:.1f} s without a sample: {cause}")
    if values["load_kind"] != "pregenerate" and values["audio_requests"] == 0:
        reasons.append("readers: not one block was asked for")
    return reasons


def _unfaulted(folder: RunFolder, values: Mapping[str, Any]) -> float:
    """The upstream's answers that could be late: one that was to go wrong never counts as late."""
    faulted: Any = next((event.facts.get("upstream_faulted") for event in folder.named("upstream")), None)
    return float((values["upstream_requests"] or 0) - (faulted or 0))
