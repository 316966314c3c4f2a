"""`make soak-hour`: cached mode for an hour against Fly's stand-in, and whether anything grew: the server or the soak.

It goes on when its terminal is closed, says a line each minute, and leaves `reports/soak/`: the soak's report and
verdict, `soak-client.csv` (what the soak itself held) and `hour.json` (what was found, and what really happened).
Exit code 0 when all holds that must, else 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from profiles import processes
from tests.fly.soaking import Soak, soaking
from tests.fly.stand_in import StandIn, standing_in

TELL_EVERY_S = 60.0
LATER_S = 1800.0
"""Beyond its time a soak may take so long for preparation and report."""
MOST_RISE_MB = 4.0
"""More than this from the third quarter to the last is no flat client."""
PUBLISHED = (
    "report.md",
    "report.html",
    "comparison.json",
    "*.svg",
    "*.png",
    "verdict.json",
    "soak.json",
    "alarms.jsonl",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, tell, and publish."""
    parser = argparse.ArgumentParser(prog="python -m tests.fly.hour", description=__doc__)
    add = parser.add_argument
    add("--for", dest="how_long", default="1h", help="how long (%(default)s)")
    add("--readers", default="16", help="how many read (%(default)s)")
    add("--pace", default="1", help="how much faster than real time (%(default)s)")
    add("--volume", type=Path, help="a docstore to begin with, whose chunks need not be made again")
    add("--out", type=Path, default=Path("reports/soak"), help="where to (%(default)s)")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="oomproof-soak-") as work:
        found = _measured(chosen, Path(work))
    (chosen.out / "hour.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    _tell(chosen.out, json.dumps(found))
    return 0 if found["holds"] else 1


def _measured(chosen: argparse.Namespace, work: Path) -> dict[str, Any]:
    asked = ["--mode", "cached", "--readers", chosen.readers, "--pace", chosen.pace, "--for", chosen.how_long]
    out = work / "soak"
    if chosen.volume is not None:
        shutil.copytree(chosen.volume, work / "fly" / "volume")
    with standing_in(work / "fly", "--pace", chosen.pace) as fly:
        with soaking(out, fly.environment, *fly.options, *asked, "--out", str(out)) as soak:
            status = _followed(soak, fly, chosen.out)
            truth = fly.truth()
        _publish(soak, chosen.out)
    verdict = soak.verdict()
    rise_mb = round(soak.rose_mb(), 2)
    kept = (
        "verdict",
        "evidence",
        "growth",
        "growth_mb_per_hour",
        "stalls",
        "restarts",
        "requests",
        "failures",
    )
    flat = rise_mb <= MOST_RISE_MB and verdict["growth"] == "flat" and not verdict["stalls"]
    return {
        "holds": status == 0 and verdict["verdict"] == "survived" and flat and not truth["deaths"],
        "exit_code": status,
        **{name: verdict.get(name) for name in kept},
        "client_rise_mb": rise_mb,
        "client_peak_mb": round(max(held.own_mb for held in soak.held), 1),
        "truth": truth,
        "asked": asked,
    }


def _followed(soak: Soak, fly: StandIn, out: Path) -> int:
    """Wait for the soak's end, telling how it goes."""
    begun = told = time.monotonic()
    while (status := soak.process.poll()) is None:
        if soak.is_begun:
            soak.look()
        if time.monotonic() - told >= TELL_EVERY_S:
            told = time.monotonic()
            _tell(out, f"{(told - begun) / 60:4.0f} min  {_status(soak, fly)}")
        time.sleep(10.0)
    _tell(out, f"the soak ended with {status}")
    return status


def _status(soak: Soak, fly: StandIn) -> str:
    if not soak.is_begun:
        return f"making the chunks ahead: {processes.last_line(soak.log)}"
    soak.look()
    held = soak.held[-1]
    deaths = len(fly.truth()["deaths"])
    samples = len(soak.folder.samples)
    return f"soak {held.own_mb:.1f} MB, readers {held.readers_mb:.1f} MB, {samples} samples, {deaths} deaths"


def _tell(out: Path, line: str) -> None:
    """Say a line to whoever is there, and to the log."""
    stamped = f"{time.strftime('%H:%M:%S')} {line}"
    with (out / "progress.log").open("a", encoding="utf-8") as log:
        log.write(stamped + "\n")
    with contextlib.suppress(OSError):  # the terminal may have gone
        print(stamped, flush=True)


def _publish(soak: Soak, out: Path) -> None:
    for found in (path for name in PUBLISHED for path in soak.out.rglob(name)):
        shutil.copy(found, out / found.name)
    soak.write_held(out / "soak-client.csv")


if __name__ == "__main__":
    sys.exit(main())
