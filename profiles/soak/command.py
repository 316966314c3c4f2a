"""`oomproof soak`: arguments in, exit code out."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from profiles.compare import make_out
from profiles.errors import EXIT_INVALID, EXIT_NOT_MET, EXIT_OK, OomproofError, RunError
from profiles.progress import Progress
from profiles.report import print_table, write_report
from profiles.soak.asked import Asked, Secrets
from profiles.soak.checks import check
from profiles.soak.options import add_options, asked_of, refuse_beside_resume, secrets_of
from profiles.soak.prepare import prepare_chapters
from profiles.soak.record import asked_before
from profiles.soak.soak import Ended, begin, soak
from profiles.soak.watch import Screen, hours

LOG_EVERY_S = 60.0
EXAMPLES = """examples:
  oomproof soak --target https://reader-staging.fly.dev --for 8h
  oomproof soak --target https://reader-staging.fly.dev --fly-app reader-staging --mode live --readers 2
  oomproof soak --target http://127.0.0.1:8003 --readers 0 --for 30m --most-memory-mb 2048 --on-alarm end
  oomproof soak --resume reports/runs/2026-11-23T180000Z

With --fly-app, Fly's Prometheus and machines API are asked too: FLY_API_TOKEN and FLY_ORG in the environment.
Ctrl-C ends it with a verdict; --resume goes on.

exit codes: 0 it survived and no alarm was raised, 1 it did not or one was, 2 wrong use, 4 nothing valid was measured"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "soak",
        help="send readers at a remote server for hours, and say why it restarted",
        description="Reads from a server that runs elsewhere, for hours or days, and watches its memory and restarts.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Soak, report, and return the exit code.

    Raises:
        OomproofError: a mistake, or nothing that can be watched.
    """
    with Progress(console, LOG_EVERY_S) as progress:
        screen = Screen(progress.line, progress.tell)
        progress.stage("soak")
        folder, asked, secrets = _resumed(chosen, screen) if chosen.resume else _begun(chosen, screen)
        progress.line(_first_line(asked, folder))
        ended = soak(folder, asked, secrets, screen)
        progress.stage("report")
        progress.tell("drawing")
        comparison = write_report([folder], folder)
    print_table(comparison, console)
    for line in ended.record.evidence:
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True, highlight=False)
    if not ended.is_over:
        console.print(f"Go on with: oomproof soak --resume {folder}", soft_wrap=True, highlight=False)
    return exit_code(ended)


def exit_code(ended: Ended) -> int:
    """Return 4 for a soak that measured nothing valid, 1 for a server that died or an alarm, else 0."""
    if ended.record.verdict == "invalid":
        return EXIT_INVALID
    return EXIT_OK if ended.record.met and not ended.alarms else EXIT_NOT_MET


def _begun(chosen: argparse.Namespace, screen: Screen) -> tuple[Path, Asked, Secrets]:
    secrets = secrets_of(chosen)
    asked = asked_of(chosen, secrets)
    folder = chosen.out or Path("reports/runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    found = check(asked, secrets, screen.line)
    chapters = None
    if found.asked.readers:
        chapters = prepare_chapters(found.asked, secrets.headers, screen.tell)
    make_out(folder)
    begin(folder, found.asked, found.limit_mb, chapters)
    return folder, found.asked, secrets


def _resumed(chosen: argparse.Namespace, screen: Screen) -> tuple[Path, Asked, Secrets]:
    refuse_beside_resume(chosen)
    folder = chosen.resume
    asked, secrets = asked_before(folder, chosen.target), secrets_of(chosen)
    missing = [
        name for name in asked.header_names if name.lower() not in {one.lower() for one in secrets.headers}
    ]
    if missing:
        raise OomproofError(f"--resume {folder}: was begun with --header '{missing[0]}: …'. Give it again.")
    if asked.webhook and not secrets.webhook:
        raise OomproofError(
            f"--resume {folder}: was begun with a --webhook of {asked.webhook}. Give it again."
        )
    if (asked.fly_prometheus or asked.fly_machines) and not secrets.token:
        raise OomproofError(f"--resume {folder}: was begun with --fly-app. Set FLY_API_TOKEN again.")
    try:
        check(asked, secrets, screen.line)
    except RunError as error:  # what does not answer now may be what the soak is there to tell of
        screen.line(f"{error} The soak goes on all the same.")
    return folder, asked, secrets


def _first_line(asked: Asked, folder: Path) -> str:
    who = (
        f"{asked.readers} readers, mode {asked.mode}, pace {asked.pace:g}" if asked.readers else "no readers"
    )
    return f"Soaking {asked.target} ({who}) for {hours(asked.seconds)} h, into {folder}; Ctrl-C ends it with a verdict."
