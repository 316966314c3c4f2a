"""The `oomproof` command: arguments in, exit code out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from profiles import (
    attach_command,
    capacity_command,
    doctor,
    kills_command,
    own_server,
    profile_command,
    serve,
    uml,
    uml_backend,
)
from profiles.backends import BACKENDS, enter, own_size
from profiles.compare import ALL_SCENARIOS, DEFAULT_SCENARIOS, Options, compare, exit_code, make_out
from profiles.errors import EXIT_INTERRUPTED, EXIT_OK, OomproofError, Terminated
from profiles.gate import baseline_command
from profiles.gate import command as gate_command
from profiles.load import Upstream
from profiles.progress import Progress
from profiles.recorder import SAMPLE_HZ
from profiles.report import print_table, write_report
from profiles.report_text import verdict_text
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario, load_scenario, scenario_names, with_load, with_upstream
from profiles.soak import command as soak_command
from profiles.target_command import is_web_address
from profiles.trim import check_trim
from profiles.verdict import judge
from profiles.vm_size import RESTED_BALANCE_S, fly_toml_here, parse_memory_mb, read_fly_toml

SAMPLED_HZ = range(10, 51)
"""More often, and the recorder would be part of what it measures; less often, and a peak goes by unseen."""
EXAMPLES = """examples:
  oomproof compare                              live, cached to the letter and cached, side by side
  oomproof compare --all --out reports/runs/x   with live-bounded too
  oomproof run live --readers 8 --pace 1        one scenario, another load
  oomproof run cached --memory 1GB --document book.pdf
  oomproof run live --env OMP_NUM_THREADS=1     another setting of the server
  oomproof run cached --mix steady=3,restless=1 people who pause, skip and change the voice too
  oomproof run live-bounded --fault 429=0.1     a speech upstream that refuses every tenth request
  oomproof run --command "node server.js" --port 3003 --load "k6 run visit.js"   any server, any load
  oomproof attach --pid 4711                    what runs already, watched until it ends
  oomproof soak --target https://x.fly.dev --for 8h   readers against a server far away, for hours
  oomproof capacity live cached                 how many readers the VM carries, in each mode
  oomproof gate --against main                  whether memory got worse than in another revision
  oomproof profile cached                       which lines of the server hold its memory
  oomproof judge reports/runs/x/live            the verdict of an old run, computed again
  oomproof report reports/runs/x                its report, made again
  oomproof doctor                               what this machine can prove, and what it lacks
  dmesg | oomproof kills -                      who was killed for memory, from a kernel's log or Fly's
  oomproof serve                                the server and a speech API beside it, to be tried by hand

exit codes: 0 as expected, 1 not as expected, 2 wrong use, 3 inconclusive, 4 nothing valid was measured,
130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a person's mistake is one line, never a traceback."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    console = Console(markup=False, emoji=False)  # a server's own words may hold [/brackets] and :colons:
    try:
        return int(chosen.run(chosen, console))
    except OomproofError as error:
        print(f"oomproof: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Terminated):
        print("oomproof: interrupted; everything started was stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as error:  # such as a full disk; what broke off was cleaned up on the way
        place = error.filename or getattr(chosen, "out", None) or "standard output"
        print(
            f"oomproof: {place}: {error.strerror}. Make room, or see to its permissions, and run again.",
            file=sys.stderr,
        )
        return OomproofError.exit_code


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oomproof",
        description="Proves, with real kernel kills, whether a server survives its readers on a small VM.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_runs(commands)
    searching = commands.add_parser(
        "capacity",
        help="find how many readers the VM carries",
        description="Finds, for each scenario, the largest number of readers that the VM carries.",
        epilog=capacity_command.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    capacity_command.add_options(searching)
    _add_options(searching)
    searching.set_defaults(run=_capacity, readers=None)
    gate_command.add_parser(commands)
    baseline_command.add_parser(commands)
    judging = commands.add_parser("judge", help="compute the verdict of a run folder again")
    judging.add_argument("folder", type=Path, help="one run's folder, such as reports/runs/x/live")
    judging.set_defaults(run=_judge)
    reporting = commands.add_parser("report", help="make the report of a comparison again")
    reporting.add_argument("folder", type=Path, help="the folder that holds the run folders")
    reporting.add_argument("--out", type=Path, help="where to (default: the folder itself)")
    reporting.set_defaults(run=_report)
    serving = commands.add_parser(
        "serve",
        help="start the reference server and a speech upstream, to be tried by hand",
        description="Starts the reference server and a speech upstream on this machine, until it is ended.",
        epilog=serve.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_options(serving)
    serving.set_defaults(run=serve.run)
    doctor.add_parser(commands)
    attach_command.add_parser(commands)
    soak_command.add_parser(commands)
    kills_command.add_parser(commands)
    listing = commands.add_parser("scenarios", help="list the scenarios")
    listing.set_defaults(run=_list)
    return parser


def _add_runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that run scenarios once each, and share their options."""
    comparing = commands.add_parser("compare", help="run scenarios side by side and write a report")
    comparing.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"default: {', '.join(DEFAULT_SCENARIOS)}"
    )
    comparing.add_argument("--all", action="store_true", help=f"run {', '.join(ALL_SCENARIOS)}")
    comparing.set_defaults(run=_compare)
    running = commands.add_parser("run", help="run one scenario")
    running.add_argument(
        "scenarios",
        nargs="?",
        metavar="SCENARIO",
        help=f"one of {', '.join(scenario_names())}, or a .toml file; none is needed with --command and --load",
    )
    own_server.add_options(running)
    running.set_defaults(run=_run)
    profiling = profile_command.add_parser(commands)
    own_server.add_options(profiling)
    profiling.set_defaults(run=_profile)
    for command in (comparing, running, profiling):
        command.add_argument("--readers", type=int, help="how many people read")
        _add_options(command)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, help="folder for the results (default: a new one in reports/runs)")
    add("--mix", help="what kinds of people they are, such as steady=3,restless=1")
    add("--processes", type=int, help="processes that play them (default 1)")
    add("--pace", type=float, help="how much faster than real time they read")
    add("--session-s", type=float, help="seconds of session time (default 600)")
    add("--seed", type=int, help="seed of everything drawn")
    add(
        "--document",
        type=Path,
        help="PDF, EPUB, text or Markdown to read (default: the language reference, built here)",
    )
    add("--memory", help="memory of the VM, such as 4GB (default: fly.toml)")
    add("--swap", help="what it may swap beside its memory, such as 512MB (default: nothing)")
    add(
        "--backend",
        metavar="NAME",
        help=f"what makes the VM: {', '.join(BACKENDS)} (default: the best that this machine offers)",
    )
    add("--balance-s", type=float, help="CPU seconds saved at the start (Fly: 5 new, 500 rested)")
    add(
        "--fly-toml", type=Path, help="where [[vm]] is read from (default: fly.toml here, else the project's)"
    )
    add(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server; repeatable"
    )
    add("--upstream", help="base URL of another OpenAI-compatible speech API (key: OOMPROOF_UPSTREAM_KEY)")
    add(
        "--latency",
        metavar="SHORTEST-LONGEST",
        help="the speech upstream's, in seconds at pace 1 (default 2-5)",
    )
    add(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=SHARE][@FROM-TO]",
        help="what goes wrong at the speech upstream, such as 429=0.1 or 503@30-60; repeatable",
    )
    add("--sample-hz", type=int, default=SAMPLE_HZ, help="samples a second, 10 to 50 (default 10)")
    add("--memray", action="store_true", help="capture the server's heap, and report who held it")
    add(
        "--trim",
        metavar="HOW",
        help="after the load have the server give back what its allocator keeps: malloc_trim, or /path to POST to",
    )


def _compare(chosen: argparse.Namespace, console: Console) -> int:
    names = chosen.scenarios or (ALL_SCENARIOS if chosen.all else DEFAULT_SCENARIOS)
    return _report_on([_scenario(load_scenario(name), chosen) for name in names], chosen, console)


def _run(chosen: argparse.Namespace, console: Console) -> int:
    scenario = own_server.scenario_of(chosen)
    return _report_on([_scenario(scenario, chosen)], chosen, console)


def _report_on(scenarios: Sequence[Scenario], chosen: argparse.Namespace, console: Console) -> int:
    if chosen.backend == uml_backend.NAME and not uml_backend.inside():
        return _in_guest(scenarios, chosen)
    options = _options(chosen)
    with Progress(console) as progress:
        verdicts = compare(scenarios, options, progress)
        progress.stage("report")
        progress.tell("drawing")
        folders = [options.out / record.scenario for record in verdicts]
        comparison = write_report(folders, options.out)
    print_table(comparison, console)
    console.print(f"Report: {options.out / 'report.html'}", soft_wrap=True, highlight=False)
    return exit_code(verdicts)


def _in_guest(scenarios: Sequence[Scenario], chosen: argparse.Namespace) -> int:
    if chosen.upstream is not None:
        raise OomproofError(
            f"--upstream {chosen.upstream}: a guest has no network. Choose another --backend."
        )
    vm_size = read_fly_toml(chosen.fly_toml or fly_toml_here())
    sizes = [scenario.vm_size(vm_size) for scenario in scenarios]
    uml.check_installed()
    out = _out(chosen)
    make_out(out)
    return uml_backend.run_in_guest(max(size.memory_mb for size in sizes), out)


def _profile(chosen: argparse.Namespace, console: Console) -> int:
    if chosen.again is not None:
        return profile_command.again(chosen.again, console)
    scenario = own_server.scenario_of(chosen)
    return profile_command.run(_scenario(scenario, chosen), _options(chosen), console)


def _capacity(chosen: argparse.Namespace, console: Console) -> int:
    if chosen.again is not None:
        return capacity_command.again(chosen, console)
    scenarios = [_scenario(load_scenario(name), chosen) for name in chosen.scenarios]
    return capacity_command.run(chosen, scenarios, _options(chosen), console)


def _options(chosen: argparse.Namespace) -> Options:
    offer = enter(chosen.backend)  # may start this command again elsewhere: nothing was begun yet
    if offer.text:
        print(f"oomproof: {offer.backend}: {offer.text}", file=sys.stderr)
    return Options(
        out=_out(chosen),
        vm_size=own_size(offer.backend) or read_fly_toml(chosen.fly_toml or fly_toml_here()),
        backend=offer.backend,
        document=chosen.document,
        upstream=_upstream(chosen),
        memray=chosen.memray,
        sample_hz=_sample_hz(chosen.sample_hz),
        trim=check_trim(chosen.trim),
        environment=_environment(chosen),
    )


def _out(chosen: argparse.Namespace) -> Path:
    return chosen.out or Path("reports/runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")


def _scenario(scenario: Scenario, chosen: argparse.Namespace) -> Scenario:
    scenario = with_load(
        scenario,
        mix=chosen.mix, readers=chosen.readers, processes=chosen.processes,
        pace=chosen.pace, session_s=chosen.session_s, seed=chosen.seed,
    )  # fmt: skip
    scenario = with_upstream(scenario, chosen.latency, chosen.fault)
    settings = _environment(chosen)
    if taken := scenario.target.decided & settings.keys():
        raise OomproofError(
            f"--env {min(taken)}: oomproof sets it itself. Leave it out (see also --upstream and --port)."
        )
    environment = {**scenario.target.environment, **settings}
    changes: dict[str, object] = {
        "target": scenario.target.model_copy(update={"environment": environment}),
    }
    vm: dict[str, object] = {}
    if chosen.balance_s is not None:
        if not 0 <= chosen.balance_s <= RESTED_BALANCE_S:
            raise OomproofError(f"--balance-s {chosen.balance_s:g}: Fly saves 0 to 500 s. Give one of these.")
        vm["balance_s"] = chosen.balance_s
    if chosen.memory is not None:
        vm["memory_mb"] = _size_mb("--memory", chosen.memory)
    if chosen.swap is not None:
        vm["swap_mb"] = _size_mb("--swap", chosen.swap)
    if chosen.backend == uml_backend.NAME and uml_backend.inside():
        vm.update(memory_mb=None, swap_mb=None)  # the guest was given that memory: it is the VM
    changes["vm"] = scenario.vm.model_copy(update=vm)
    return scenario.model_copy(update=changes)


def _environment(chosen: argparse.Namespace) -> dict[str, str]:
    settings: dict[str, str] = {}
    for setting in chosen.env:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise OomproofError(f"--env {setting}: not NAME=VALUE.")
        settings[key] = value
    return settings


def _sample_hz(hz: int) -> int:
    if hz not in SAMPLED_HZ:
        raise OomproofError(f"--sample-hz {hz}: {SAMPLED_HZ[0]} to {SAMPLED_HZ[-1]} are possible. Give one.")
    return hz


def _size_mb(option: str, text: str) -> int:
    try:
        return parse_memory_mb(text)
    except ValueError as error:
        raise OomproofError(f"{option} {text!r}: {error}.") from None


def _upstream(chosen: argparse.Namespace) -> Upstream | None:
    if chosen.upstream is None:
        return None
    if not is_web_address(chosen.upstream):
        raise OomproofError(
            f"--upstream {chosen.upstream}: no http(s) address. Give one such as http://127.0.0.1:8880/v1."
        )
    return Upstream(chosen.upstream.rstrip("/"), os.environ.get("OOMPROOF_UPSTREAM_KEY", "none"), own=False)


def _judge(chosen: argparse.Namespace, console: Console) -> int:
    _check_run_folder(chosen.folder)
    record = judge(chosen.folder)
    console.print(f"{record.scenario}: {verdict_text(record)}", highlight=False)
    for line in record.evidence:
        console.print(f"  {line}", highlight=False, soft_wrap=True)
    return exit_code([record])


def _report(chosen: argparse.Namespace, console: Console) -> int:
    folders = sorted(
        (path.parent for pattern in ("run.json", "*/run.json") for path in chosen.folder.glob(pattern)),
        key=lambda folder: str(RunFolder(folder).run.get("started_at", "")),
    )
    if not folders:
        raise OomproofError(f"{chosen.folder}: no run folder in it. Give the folder that `compare` wrote.")
    verdicts = [judge(folder) for folder in folders]
    comparison = write_report(folders, chosen.out or chosen.folder)
    print_table(comparison, console)
    return exit_code(verdicts)


def _check_run_folder(folder: Path) -> None:
    if not (folder / "run.json").is_file():
        raise OomproofError(f"{folder}: no run.json in it. Give one run's folder.")


def _list(chosen: argparse.Namespace, console: Console) -> int:
    for name in scenario_names():
        console.print(f"{name:24} {load_scenario(name).description}", highlight=False, soft_wrap=True)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
