"""`python -m tests.fly FOLDER`: Fly on loopback, until Ctrl-C or SIGTERM. See README.md beside it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from profiles.errors import OomproofError
from profiles.vm_size import PROJECT_FLY_TOML, RESTED_BALANCE_S, parse_memory_mb
from tests.fly.landscape import Conditions, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal ends it: 0; 2 for what cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m tests.fly", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="for its state: made, or gone on with; the volume in it stays")
    add("--fly-toml", type=Path, default=PROJECT_FLY_TOML, help="the app (the project's own)")
    add("--memory", type=parse_memory_mb, metavar="SIZE", help="of the VM, such as 1GB (that of fly.toml)")
    add(
        "--balance-s",
        type=float,
        default=RESTED_BALANCE_S,
        help="CPU seconds saved at the start (%(default)g)",
    )
    add(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server; repeatable"
    )
    add("--port", type=int, default=0, help="of the app (a free one)")
    add("--api-port", type=int, default=0, help="of Fly's interfaces (a free one)")
    add("--token", default="FlyV1 fm2_stand_in", help="what they ask for (%(default)s)")
    add("--org", default="personal", help="the organisation (%(default)s)")
    add("--scrape-s", type=float, default=15.0, help="seconds between two samples (%(default)g)")
    add(
        "--lag-s",
        type=float,
        default=0.0,
        help="seconds until a sample is told (%(default)g; Fly: 30 and more)",
    )
    add("--skew-s", type=float, default=0.0, help="how much its clock is ahead (%(default)g)")
    add("--pause-s", type=float, default=5.0, help="what a restart takes before the start (%(default)g)")
    add("--pace", type=float, default=1.0, help="of the speech upstream (%(default)g)")
    add("--latency", default="2-5", help="of the speech upstream, in seconds (%(default)s)")
    add("--api-base", metavar="URL", help="another speech API, so that no upstream is started")
    chosen = parser.parse_args(arguments)
    try:
        return run(Conditions(**vars(chosen)))
    except (OomproofError, OSError) as error:
        print(f"python -m tests.fly: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
