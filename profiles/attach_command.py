"""`oomproof attach`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from profiles.attach import Until, attach
from profiles.attach_target import attach_to_container, attach_to_group, attach_to_process
from profiles.compare import exit_code, make_out
from profiles.errors import OomproofError
from profiles.machine import check_linux
from profiles.progress import Progress
from profiles.remote_recorder import Remote, check_page, watch_remote
from profiles.report import print_table, write_report
from profiles.verdict_record import VerdictRecord

METRICS = "/metrics"
EXAMPLES = """examples:
  oomproof attach --pid 4711                     a process and all that it starts, until it ends or Ctrl-C
  oomproof attach --container web --for 10m      a container of Docker or Podman, by name or id
  oomproof attach --cgroup /system.slice/app.service --until-exit
  oomproof attach --url https://reader.example.com --metrics /metrics --header "Authorization: Bearer ..."

Nothing of it is changed and nobody is killed: it is only watched. Ctrl-C ends the watching, with a verdict.

exit codes: 0 it survived, 1 it did not, 2 wrong use, 4 nothing valid was measured"""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "attach",
        help="watch a process, a container or a remote server that runs already",
        description="Watches what runs already, and gives a verdict when it ends, or when you do.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--pid", type=int, help="a process, with all that it starts")
    which.add_argument("--cgroup", metavar="PATH", help="all that lives in a control group")
    which.add_argument("--container", metavar="NAME", help="a container of Docker or Podman, by name or id")
    which.add_argument("--url", help="a server on another machine, by its Prometheus page")
    add = parser.add_argument
    add("--metrics", metavar="PATH", default=METRICS, help="where that page is (%(default)s)")
    add(
        "--header",
        action="append",
        default=[],
        metavar="NAME: VALUE",
        help="sent with each request; repeatable",
    )
    add("--for", dest="how_long", metavar="TIME", help="end after so long, such as 90s, 10m or 2h")
    add(
        "--until-exit",
        action="store_true",
        help="end with the process; a group is else watched beyond a restart",
    )
    add("--out", type=Path, help="folder for the results (default: a new one in reports/runs)")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Watch, report, and return the exit code.

    Raises:
        OomproofError: a mistake, or nothing that can be watched.
    """
    check_linux()
    until = Until(None if chosen.how_long is None else seconds_of(chosen.how_long), exit=chosen.until_exit)
    out = chosen.out or Path("reports/runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    with Progress(console) as progress:
        folder, record = _watched(chosen, until, out, progress)
        progress.stage("report")
        progress.tell("drawing")
        comparison = write_report([folder], out)
    print_table(comparison, console)
    console.print(f"Report: {out / 'report.html'}", soft_wrap=True, highlight=False)
    return exit_code([record])


def _watched(
    chosen: argparse.Namespace, until: Until, out: Path, progress: Progress
) -> tuple[Path, VerdictRecord]:
    if chosen.url is not None:
        remote = Remote.of(chosen.url, chosen.metrics, chosen.header)
        name = f"remote-{_plain(remote.host)}"
        check_page(remote)
        make_out(out)
        _begin(progress, name, remote.address, ["Ctrl-C"], until)
        return out / name, watch_remote(remote, name, out / name, until, progress.tell)
    if chosen.header or chosen.metrics != METRICS:
        option = "header" if chosen.header else "metrics"
        raise OomproofError(f"--{option}: only a --url is asked over HTTP. Leave it out.")
    if chosen.pid is not None:
        name, found = f"attached-{chosen.pid}", attach_to_process(chosen.pid)
    elif chosen.container is not None:
        name, found = f"attached-{_plain(chosen.container)}", attach_to_container(chosen.container)
    else:
        name, found = f"attached-{_plain(chosen.cgroup)}", attach_to_group(chosen.cgroup)
    make_out(out)
    _begin(progress, name, found.what, ["it ends", "Ctrl-C"] if found.by_tree else ["Ctrl-C"], until)
    if found.shared:
        progress.line("  Others live in the same control group, so its memory is theirs too: see the RSS.")
    return out / name, attach(found, name, out / name, until, progress.tell)


def _begin(progress: Progress, name: str, what: str, ends: list[str], until: Until) -> None:
    over = [] if until.seconds is None else [f"{until.seconds:g} s are over"]
    progress.stage(name)
    progress.line(f"Watching {what}, until {' or '.join(ends + over)}.")


def _plain(name: str) -> str:
    """Return a name that can be a folder's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-60:] or "group"


def seconds_of(text: str) -> float:
    """Return the seconds of a time such as `90`, `90s`, `10m`, `2h` or `1d`.

    Raises:
        OomproofError: it is none.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise OomproofError(f"--for {text!r}: no time. Give one such as 90s, 10m or 2h.")
    return float(match[1]) * _SECONDS[match[2]]
