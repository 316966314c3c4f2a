"""The VM's counter of kills: how many there were, and in whose time."""

from __future__ import annotations

from profiles.run_folder import Event, RunFolder

STARTS = frozenset({"started", "restarted"})


def load_end_t(folder: RunFolder) -> float:
    """Return when the load ended, on the run's clock; a run that was cut off has no end."""
    return max((event.t for event in folder.named("load_ended")), default=float("inf"))


def earliest_t(event: Event) -> float:
    """Return when something was at the earliest: a kill's time is known as exactly as two looks at the log lie apart.

    An end is noted by somebody else, who may have looked before that middle.
    """
    within_s = event.facts.get("t_within_s")
    return event.t - within_s if isinstance(within_s, int | float) else event.t


def counted(folder: RunFolder, *, named: int = 0) -> int | None:
    """Return the counter at the load's end; where nobody noted it then, as it was last seen; None: not known.

    The recorder's last word comes after everything was stopped, so it counts only where no kill was `named`.
    """
    for name in ("load_ended", "recorded"):
        counts = [event.facts.get("oom_kills") for event in folder.named(name)]
        known = [count for count in counts if isinstance(count, int)]
        if known and (name == "load_ended" or not named):
            return max(known)
    end_t = load_end_t(folder)
    seen = [
        sample.oom_kills for sample in folder.samples if sample.oom_kills is not None and sample.t <= end_t
    ]
    return int(max(seen)) if seen else None


def life_start_t(folder: RunFolder, end: Event) -> float:
    """Return when the server started that this is the end of."""
    starts = [event.t for event in folder.events if event.event in STARTS and event.t <= end.t]
    return max(starts, default=float("-inf"))


def life_counts(folder: RunFolder, end: Event) -> tuple[int, int] | None:
    """Return the counter at a server's start and at its end; None where the samples do not have it.

    Nor where it fell: the group was made anew in between.
    """
    known = [(sample.t, int(sample.oom_kills)) for sample in folder.samples if sample.oom_kills is not None]
    if not known:
        return None
    start_t = life_start_t(folder, end)
    before = [count for t, count in known if t <= start_t] or [known[0][1]]
    after = [count for t, count in known if t >= end.t] or [known[-1][1]]
    return (before[-1], after[0]) if before[-1] <= after[0] else None
