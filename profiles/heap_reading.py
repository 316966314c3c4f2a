"""A run's capture read beside its samples, on the run's own clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from profiles import processes
from profiles.heap_capture import capture_path
from profiles.heap_flame import run_within
from profiles.heap_moments import NEAR_S, moments_of
from profiles.heap_record import HeapRecord, Waves
from profiles.heap_times import Clock, clock_of, looks_of, marks_of, server_end, sessions_of
from profiles.run_folder import RunFolder

READ_WITHIN_S = 900.0
CLOCK_STEP_S = 2.0
"""A capture that lies further than this outside its run was taken while somebody set the clock."""
_TRACKER_ERROR = "Memray ERROR: "
_LOG = "heap-reader.log"
_PART = "heap-reader.json"


def read_run_heap(path: Path, tell: Callable[[str], None], within_s: float = READ_WITHIN_S) -> HeapRecord:
    """Return what the first server's capture in the run folder tells; `notes` say what could not be had, and why."""
    folder, capture = RunFolder(path), capture_path(path)
    scenario: Any = folder.run.get("scenario") or {}
    empty = HeapRecord(scenario=str(scenario.get("name", path.name)), capture=capture.name)
    if not capture.is_file() or capture.stat().st_size == 0:
        return empty.model_copy(
            update={"notes": (f"{capture}: empty or missing: the server ended before its first line ran.",)}
        )
    size = {"capture_bytes": capture.stat().st_size}
    clock = clock_of(folder)
    marks, no_waves = marks_of(folder) if clock else ((), "the run's clock is not known to its capture")
    sessions, looks = sessions_of(folder, marks), looks_of(folder, clock)
    found, notes = _read(capture, clock, looks, marks, sessions, tell, within_s)
    if not found.get("first"):
        notes = notes or (f"{capture}: holds no whole record: the server ended at once.",)
        return empty.model_copy(update={**size, "notes": notes})
    no_waves = no_waves or _waves_unknown(folder, found, clock, marks)
    return HeapRecord.model_validate(
        {
            **empty.model_dump(),
            **size,
            **_facts(found, clock),
            "moments": moments_of(folder, found, clock, looks),
            "waves": None if no_waves else _waves(found, folder, clock, marks, sessions),
            "no_waves": no_waves,
            "notes": [*notes, *_doubts(folder, found, clock)],
        }
    )


def _read(
    capture: Path,
    clock: Clock | None,
    looks: Mapping[str, float],
    marks: Sequence[float],
    sessions: tuple[int, int] | None,
    tell: Callable[[str], None],
    within_s: float,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what the reader found, as far as it came, and why it came no further."""
    part, log = capture.with_name(_PART), capture.with_name(_LOG)
    part.unlink(missing_ok=True)
    command = processes.python_module("profiles.heap_reader", capture, part)
    if clock is not None and looks:
        command += ["--at", *(str(clock.ms(t)) for t in looks.values())]
    if clock is not None and marks:
        command += ["--marks", *(str(clock.ms(t)) for t in marks)]
    command += [] if sessions is None else ["--sessions", str(sessions[1])]
    size_mb = capture.stat().st_size / 2**20
    status = run_within(
        command, log, within_s, lambda spent: tell(f"reading {size_mb:,.1f} MB of capture ({spent:.0f} s)")
    )
    try:
        found = json.loads(part.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    part.unlink(missing_ok=True)
    if status == 0:
        log.unlink(missing_ok=True)
        return found, ()
    why = f"took longer than {within_s:g} s" if status is None else processes.last_line(log).rstrip(".")
    how_far = "The peak was read" if "sites" in found else "Nothing of it was read"
    return found, (f"{capture.name}: cannot be read to its end ({why}). {how_far}.",)


def _facts(found: Mapping[str, Any], clock: Clock | None) -> dict[str, Any]:
    first, last = found["first"][0], found["last"][0]
    keys = ("allocations", "python_allocator", "peak_bytes", "sites", "other_sites", "other_sites_bytes")
    from_t_s = clock.t_s if clock else (lambda ms: (ms - first[0]) / 1000)
    return {
        **{key: found[key] for key in keys if key in found},
        "ended_whole": found["ended_ms"] >= last[0],  # a killed one still has its start there
        "captured_from_s": clock.t_s(first[0]) if clock else None,
        "captured_to_s": clock.t_s(last[0]) if clock else None,
        "rss_at_start_bytes": first[1],
        "timeline": [(from_t_s(ms), heap, rss) for ms, rss, heap in found["timeline"]],
    }


def _waves_unknown(
    folder: RunFolder, found: Mapping[str, Any], clock: Clock | None, marks: Sequence[float]
) -> str | None:
    """Return why the capture does not tell the waves: what it did not see must not pass for what did not grow."""
    if clock is None or "grown" not in found:
        return "the capture could not be read that far"
    if _clock_was_set(folder, found, clock):
        return "the wall clock was set during the run"
    if clock.t(found["last"][0][0]) < marks[-1] - CLOCK_STEP_S - NEAR_S:
        return "the capture ends before the last wave does"
    return None


def _waves(
    found: Mapping[str, Any],
    folder: RunFolder,
    clock: Clock | None,
    marks: Sequence[float],
    sessions: tuple[int, int] | None,
) -> Waves | None:
    if clock is None or "grown" not in found:
        return None
    quiet = [bool(event.facts.get("quiet")) for event in folder.named("wave_settled")[:2]]
    return Waves.model_validate(
        {
            "sessions": sessions,
            "t_s": [round(t - clock.zero_t, 2) for t in marks],
            "heap_bytes": found["mark_heap_bytes"],
            "quiet": quiet,
            "sites": found["grown"],
        }
    )


def _doubts(folder: RunFolder, found: Mapping[str, Any], clock: Clock | None) -> list[str]:
    """Return what makes a reader wonder: a clock that was set, a capture that ends before its server."""
    doubts = []
    others = sorted(path.name for path in folder.path.glob("heap.*.bin"))
    if others:
        doubts.append(f"This is the first server's heap; those started after it left {', '.join(others)}.")
    if clock is None or not folder.events:
        return (
            [*doubts, "The capture's clock is not known, so it stands beside no sample."]
            if not clock
            else doubts
        )
    if _clock_was_set(folder, found, clock):
        doubts.append("The wall clock was set during the run: the capture's times are not the run's.")
        return doubts
    doubts += _tracker_failed(folder.path / "server.log")
    last_t = clock.t(found["last"][0][0])
    over = server_end(folder) or next(iter(folder.named("stopped")), None)
    if over is not None and last_t < over.t - CLOCK_STEP_S - NEAR_S:
        doubts.append(
            f"The capture ends {over.t - last_t:.0f} s before its server did: it stood still, or the file is cut."
        )
    return doubts


def _clock_was_set(folder: RunFolder, found: Mapping[str, Any], clock: Clock) -> bool:
    """Return whether the capture lies outside its run."""
    first_t, last_t = clock.t(found["first"][0][0]), clock.t(found["last"][0][0])
    began, run_end = next(iter(folder.named("capturing"))).t, folder.events[-1].t
    return first_t < began - CLOCK_STEP_S or last_t > run_end + CLOCK_STEP_S


def _tracker_failed(log: Path) -> list[str]:
    """What memray said in the server's log when it could not write any more: the server goes on without it."""
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            found = next((line.strip() for line in lines if line.startswith(_TRACKER_ERROR)), None)
    except OSError:
        return []
    return [] if found is None else [f"The capture is not whole: {found.removeprefix(_TRACKER_ERROR)}."]
