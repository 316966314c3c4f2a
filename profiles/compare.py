"""Several scenarios with the same readers, text and seeds, run one after the other."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profiles.backends import check_size
from profiles.errors import EXIT_INVALID, EXIT_NOT_MET, EXIT_OK, OomproofError, RunError
from profiles.load import DIALOGUE, NOBODYS, Documents, Upstream, build_document, own_upstream
from profiles.machine import check_linux, check_vm_fits
from profiles.plan import by_upstream, check_names, check_targets, check_upstream, with_pregeneration
from profiles.progress import Progress
from profiles.recorder import SAMPLE_HZ
from profiles.report_text import verdict_text
from profiles.run import Bench, run_scenario
from profiles.scenario import Scenario
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord
from profiles.vm import check_privilege
from profiles.vm_size import VmSize

DEFAULT_SCENARIOS = ("live", "cached-to-the-letter", "cached")
ALL_SCENARIOS = (*DEFAULT_SCENARIOS, "live-bounded")
FREE_DISK_MB = 1024
"""Chunks, their copies and the recordings of one comparison need less than this."""


@dataclass(frozen=True)
class Options:
    """What the command line settles for every scenario of a comparison."""

    out: Path
    vm_size: VmSize
    document: Path | None = None
    upstream: Upstream | None = None
    memray: bool = False
    backend: str | None = None
    sample_hz: float = SAMPLE_HZ
    trim: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    cache: Path = Path(".cache")


def compare(scenarios: Sequence[Scenario], options: Options, progress: Progress) -> list[VerdictRecord]:
    """Run the scenarios, pre-generation first where one needs it, each into a folder below `options.out`.

    Raises:
        OomproofError: a mistake, or a machine that cannot; nothing is left running.
    """
    verdicts: list[VerdictRecord] = []
    with contextlib.closing(benches(scenarios, options)) as plan:
        for scenario, bench in plan:
            verdicts.append(_run(scenario, bench, options.out, progress))
            if scenario.load.kind == "pregenerate" and verdicts[-1].verdict != "survived":
                progress.line("There is no store to read from: the comparison ends here.")
                break
    return verdicts


def benches(
    scenarios: Sequence[Scenario], options: Options, *, ends_at_death: bool = False
) -> Generator[tuple[Scenario, Bench]]:
    """Yield each scenario of the plan with the bench it runs on, pre-generation first where one needs it.

    What a bench needs lives until the next is asked for: close the generator when you stop early.

    Raises:
        OomproofError: a mistake, or a machine that cannot.
    """
    check_linux()
    check_names(scenarios)
    for scenario in scenarios:
        check_vm_fits(scenario.vm_size(options.vm_size))
        check_size(options.backend, scenario.vm_size(options.vm_size))
    check_privilege(options.backend)
    check_upstream(scenarios, options.upstream)
    check_targets(scenarios)
    plan = with_pregeneration(scenarios, options.environment)
    documents = _documents(plan, options)
    make_out(options.out)
    with _work_folder(options.out) as work:
        for group in by_upstream(plan):
            with _upstream(options, group[0]) as upstream:
                bench = Bench(
                    documents, upstream, options.vm_size, work,
                    memray=options.memray, ends_at_death=ends_at_death, backend=options.backend,
                    sample_hz=options.sample_hz, trim=options.trim,
                )  # fmt: skip
                for scenario in group:
                    yield scenario, bench


def exit_code(verdicts: Sequence[VerdictRecord]) -> int:
    """Return the exit code: 0 all as expected, 1 an expectation not met, 4 a run that measured nothing."""
    if any(record.verdict == "invalid" for record in verdicts):
        return EXIT_INVALID
    return EXIT_OK if all(record.met for record in verdicts) else EXIT_NOT_MET


def run_once(scenario: Scenario, bench: Bench, folder: Path, progress: Progress) -> VerdictRecord:
    """Run a scenario into `folder` and return its verdict; a part that broke is told, and judged as it is.

    Raises:
        OomproofError: a mistake; nothing was measured.
    """
    try:
        return run_scenario(scenario, bench, folder, progress.tell)
    except RunError as error:
        progress.line(f"{folder.name}: {error}")
        return judge(folder)


def _run(scenario: Scenario, bench: Bench, out: Path, progress: Progress) -> VerdictRecord:
    progress.stage(scenario.name)
    progress.line(f"{scenario.name}: {scenario.description}")
    record = run_once(scenario, bench, out / scenario.name, progress)
    after = "" if record.killed_after_s is None else f" after {record.killed_after_s:g} s ({record.victim})"
    progress.line(
        f"{scenario.name}: {verdict_text(record)}{after}{'' if record.met else ' - NOT as expected'}"
    )
    if not record.met:
        for line in record.evidence:
            progress.line(f"  {line}")
    return record


@contextlib.contextmanager
def _upstream(options: Options, scenario: Scenario) -> Iterator[Upstream]:
    if options.upstream is not None:
        yield options.upstream
        return
    if not scenario.speaks:
        yield NOBODYS
        return
    log, load = options.out / "upstream.log", scenario.load
    with own_upstream(log, load.pace, load.seed, scenario.upstream) as upstream:
        yield upstream


def _documents(scenarios: Sequence[Scenario], options: Options) -> Documents:
    dialogue = None
    scenarios = [scenario for scenario in scenarios if scenario.load.reads]
    if not scenarios:
        if options.document is not None:
            raise OomproofError(f"--document {options.document}: the load is a command. Leave it out.")
        return Documents()
    alone = next((scenario for scenario in scenarios if scenario.load.kinds == (DIALOGUE,)), None)
    if options.document is not None and alone is not None:
        raise OomproofError(
            f"--document {options.document}: in scenario {alone.name!r} all read {DIALOGUE}, a document of its own. "
            "Leave one out, or use --mix steady."
        )
    if any(DIALOGUE in scenario.load.kinds for scenario in scenarios):
        log = options.cache / "dialogue.log"
        dialogue = build_document(options.cache / "dialogue.pdf", log, "loadtests.corpus_dialogue")
    if options.document is None:
        return Documents(
            build_document(options.cache / "document.pdf", options.cache / "document.log"), dialogue
        )
    if not options.document.is_file():
        raise OomproofError(f"--document {options.document}: no such file. Name another.")
    return Documents(options.document, dialogue)


def make_out(out: Path) -> None:
    """Make the folder for the results.

    Raises:
        OomproofError: it holds something, cannot be written, or has no room.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        empty = not any(out.iterdir())
    except OSError as error:
        raise OomproofError(f"--out {out}: {error.strerror}. Give a folder that can be written.") from None
    if not empty:
        raise OomproofError(f"--out {out}: is not empty. Give a new folder; results are never overwritten.")
    free_mb = shutil.disk_usage(out).free // 2**20
    if free_mb < FREE_DISK_MB:
        raise OomproofError(
            f"--out {out}: {free_mb} MB free on its disk, {FREE_DISK_MB} MB needed. Make room."
        )


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=out, prefix="work-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()
