"""What the witnesses of a death say: the kernel's line, its log as a whole, its counter, the exit status."""

from __future__ import annotations

import signal

from profiles.kill_counter import counted
from profiles.run_folder import Event, RunFolder


def describe_status(returncode: int | None) -> str:
    """Return an exit status in words, with its signal's name."""
    if returncode is None:
        return "exit status unknown"
    try:
        name = f" ({signal.Signals(-returncode).name})" if returncode < 0 else ""
    except ValueError:
        name = ""
    return f"exit status {returncode}{name}"


def kill_lines(kill: Event) -> list[str]:
    """Return what the log says of a named kill: the line itself, the limit that was hit, and whether a group died."""
    lines = [kill.text("line")] if kill.text("line") else []
    if memcg := kill.text("memcg"):
        limit = number_of(kill, "limit_mb")
        lines.append(f"limit that was hit: {memcg}{f' ({limit:g} MB)' if limit else ''}")
    if kill.facts.get("group_kill"):
        lines.append("its whole control group was killed (memory.oom.group)")
    others = kill.facts.get("told")
    return [*lines, *map(str, others)] if isinstance(others, list) else lines


def log_is_whole(folder: RunFolder) -> bool:
    """Whether the kernel's log was read, all of it."""
    said = [event.facts.get("kernel_log_readable") for event in folder.named("recording")]
    broken = folder.named("kernel_log_overrun") + folder.named("kernel_log_ended")
    return bool(said) and all(said) and not broken


def log_line(folder: RunFolder) -> str:
    """Return what the kernel's log says of a death that it has no line about, or why it says nothing."""
    recording = folder.named("recording")
    if not recording:
        return "kernel log: nobody said whether it was read"
    if not all(event.facts.get("kernel_log_readable") for event in recording):
        reason = recording[-1].text("kernel_log_reason")
        return f"kernel log: could not be read{f' ({reason})' if reason else ''}"
    if ended := folder.named("kernel_log_ended"):
        return f"kernel log: could not be read to the end ({ended[0].text('reason')})"
    if overrun := folder.named("kernel_log_overrun"):
        lost = sum(int(number_of(event, "lost") or 0) for event in overrun)
        return f"kernel log: {lost} of its records were overwritten before they were read"
    return "kernel log: read, and it names no kill of this process"


def counter_line(folder: RunFolder, life: tuple[int, int] | None = None) -> str:
    """Return what the counter says of a server's `life`; of the whole run where that is not known."""
    if life is not None:
        return f"kill counter: {life[0]} before, {life[1]} after"
    total = counted(folder)
    return "kill counter: not known" if total is None else f"kill counter: {total} in the whole run"


def number_of(event: Event, key: str) -> float | None:
    """Return the fact of that name as a number; None when the event has none."""
    value = event.facts.get(key)
    return float(value) if isinstance(value, int | float) else None
