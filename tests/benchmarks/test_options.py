"""Which runs of the options are made, which are not made again, and how a finished one gets into the repository."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import options
from benchmarks.options import (
    BALANCES_S,
    NAMES,
    OPTIONS,
    Cell,
    Option,
    cells,
    commit_run,
    finished,
    main,
    run_cell,
)
from profiles.errors import EXIT_INTERRUPTED, OomproofError
from profiles.progress import Progress
from tests.benchmarks.option_folders import KILLED, make_run

Calls = list[str]


def by_name(name: str) -> Option:
    """The option of that name."""
    return next(option for option in OPTIONS if option.name == name)


def named(cell: Cell) -> str:
    """Where a cell's run goes."""
    return str(cell.folder(Path()))


def test_every_option_is_run_before_any_is_run_again() -> None:
    """GIVEN two options THEN each has its first run before one has its second: a break leaves the least undone."""
    found = [named(cell) for cell in cells(["live", "cached"], [500.0], 2)]
    assert found == [
        "balance-500/live-1",
        "balance-500/cached-1",
        "balance-500/live-2",
        "balance-500/cached-2",
    ]


def test_a_heap_is_captured_once_on_a_rested_machine() -> None:
    """GIVEN all options THEN each has its repetitions at each balance, and those with memray one run in all."""
    counts = Counter(cell.option.name for cell in cells(NAMES, BALANCES_S, 3))
    assert {name: counts[name] for name in NAMES if name.endswith("memray")} == {
        "cached-memray": 1,
        "live-memray": 1,
    }
    assert {count for name, count in counts.items() if not name.endswith("memray")} == {6}
    memray = [cell for cell in cells(NAMES, BALANCES_S, 3) if cell.option.memray]
    assert {cell.balance_s for cell in memray} == {500.0}


@pytest.mark.parametrize("name", NAMES)
def test_an_option_is_run_in_real_time_with_the_same_readers(name: str) -> None:
    """GIVEN any option THEN its scenario has its name, pace 1, the balance asked for and the 32 readers of all."""
    scenario = by_name(name).at(5.0)
    assert (scenario.name, scenario.load.pace, scenario.vm.balance_s) == (name, 1.0, 5.0)
    assert (scenario.load.readers, scenario.load.session_s, scenario.load.seed) == (32, 600.0, 1)


def test_pregeneration_makes_what_the_cached_readers_read() -> None:
    """GIVEN the option that makes chunks THEN they are those of the cached readers, from an empty store."""
    made, read = by_name("pregenerate").at(500.0), by_name("cached").at(500.0)
    assert made.load.kind == "pregenerate"
    assert not made.target.pregenerated
    assert (made.load.chapters, made.load.blocks) == (read.load.chapters, read.load.blocks)


@pytest.mark.parametrize(
    ("verdict", "done"),
    [("survived", True), ("oom_killed", True), ("unhealthy", True), ("invalid", False), (None, False)],
)
def test_what_measured_something_is_not_made_again(
    tmp_path: Path, verdict: str | None, *, done: bool
) -> None:
    """GIVEN a folder with that verdict (None: cut off before one) THEN it is finished, or made anew."""
    folder = make_run(tmp_path, "balance-500/live-1", verdict=verdict or "survived")
    if verdict is None:
        (folder / "verdict.json").unlink()
    assert finished(folder) is done


def test_a_folder_that_is_not_there_is_not_finished(tmp_path: Path) -> None:
    """GIVEN nothing THEN the run is to be made."""
    assert not finished(tmp_path / "balance-500" / "live-1")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The cells that were run instead of really running them; each leaves a made-up folder."""
    calls: Calls = []

    def run(cell: Cell, out: Path, store: Path, progress: Progress) -> str:
        calls.append(named(cell))
        verdict = "invalid" if cell.option.name == "hybrid" else "survived"
        make_run(out, named(cell), verdict=verdict)
        return verdict

    monkeypatch.setattr(options, "ROOT", tmp_path)
    monkeypatch.setattr(options, "run_cell", run)
    return calls


def test_a_second_start_makes_only_what_is_missing(tmp_path: Path, made: Calls) -> None:
    """GIVEN one run that is finished WHEN all are asked for THEN the others are made, and nothing after that."""
    out = tmp_path / "out"
    make_run(out, "balance-500/live-1", KILLED)
    arguments = ["--out", str(out), "--only", "live", "cached", "--balances", "500", "--repetitions", "1"]
    assert main(arguments) == 0
    assert made == ["balance-500/cached-1"]
    assert main(arguments) == 0
    assert len(made) == 1


def test_a_run_is_given_no_path_of_the_machine(
    tmp_path: Path, made: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an absolute `--out` THEN a run's folder is named from here: its path gets into the logs of the run."""
    monkeypatch.chdir(tmp_path)
    folders: list[Path] = []
    monkeypatch.setattr(options, "commit_run", folders.append)
    main(
        [
            "--out",
            str(tmp_path / "out"),
            "--only",
            "live",
            "--balances",
            "5",
            "--repetitions",
            "1",
            "--commit",
        ]
    )
    assert folders == [Path("out/balance-5/live-1")]
    assert len(made) == 1


def test_an_invalid_run_is_told_by_the_exit_code(tmp_path: Path, made: Calls) -> None:
    """GIVEN a run that measures nothing THEN the exit code is 1."""
    arguments = ["--out", str(tmp_path), "--only", "hybrid", "--balances", "5", "--repetitions", "1"]
    assert main(arguments) == 1
    assert made == ["balance-5/hybrid-1"]


def test_only_a_finished_run_is_committed(
    tmp_path: Path, made: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a run that survived and one that is invalid WHEN both are to be committed THEN the first is."""
    committed: Calls = []
    monkeypatch.setattr(options, "commit_run", lambda folder: committed.append(folder.name))
    main(
        [
            "--out",
            str(tmp_path),
            "--only",
            "hybrid",
            "cached",
            "--balances",
            "5",
            "--repetitions",
            "1",
            "--commit",
        ]
    )
    assert len(made) == 2
    assert committed == ["cached-1"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OomproofError("no root here. Be root."), 2, "options: no root here. Be root.\n"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, ""),
    ],
)
def test_what_stops_it_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    """GIVEN a machine that cannot, or Ctrl-C THEN the exit code tells which, and the line what to do."""

    def run(*_: object) -> str:
        raise error

    monkeypatch.setattr(options, "ROOT", tmp_path)
    monkeypatch.setattr(options, "run_cell", run)
    assert main(["--out", str(tmp_path), "--only", "live"]) == code
    assert capsys.readouterr().err == said


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """`run_cell` with the run itself made up: `verdict` is how it ends, `seen` what it was given."""
    monkeypatch.setattr(options, "ROOT", tmp_path)
    monkeypatch.setattr(options, "build_document", lambda *_: tmp_path / "document.pdf")
    told: dict[str, Any] = {"verdict": "survived", "seen": []}

    class Upstream:
        def __enter__(self) -> None:
            return None

        def __exit__(self, *_: object) -> None:
            return None

    def run_once(scenario: Any, bench: Any, folder: Path, progress: Progress) -> Any:
        told["seen"].append((scenario.name, bench.vm_size.memory_mb, bench.memray, bench.store.is_symlink()))
        if scenario.load.kind == "pregenerate":
            bench.store.mkdir()
            (bench.store / "chunk.mp3").write_text("speech")
        make_run(folder.parent.parent, f"{folder.parent.name}/{folder.name}", verdict=told["verdict"])
        return type("Record", (), {"verdict": told["verdict"]})

    monkeypatch.setattr(options, "own_upstream", lambda *_: Upstream())
    monkeypatch.setattr(options, "run_once", run_once)
    return told


Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run an option's first repetition at 500 s."""
    (tmp_path / "cache").mkdir()

    def of(name: str) -> str:
        cell = Cell(by_name(name), 500.0, 1)
        return run_cell(
            cell, tmp_path / "out", tmp_path / "cache" / "pregenerated", Progress.__new__(Progress)
        )

    return of


def test_a_run_cut_off_is_begun_anew(tmp_path: Path, bench: dict[str, Any], run: Run) -> None:
    """GIVEN the rest of an earlier try THEN nothing of it is in the new run."""
    left = tmp_path / "out" / "balance-500" / "live-1" / "samples.csv"
    left.parent.mkdir(parents=True)
    left.write_text("half a li")
    assert run("live") == "survived"
    assert "half a li" not in left.read_text()
    assert bench["seen"] == [("live", 4096, False, False)]


def test_each_option_has_its_vm_its_heap_and_its_chunks(bench: dict[str, Any], run: Run) -> None:
    """GIVEN options that differ THEN the bench does: memory, memray, and a store only where chunks are read."""
    for name in ("live-8gb", "cached-memray", "cached"):
        run(name)
    assert bench["seen"] == [
        ("live-8gb", 8192, False, False), ("cached-memray", 4096, True, True), ("cached", 4096, False, True)
    ]  # fmt: skip


@pytest.mark.parametrize(("verdict", "kept"), [("survived", True), ("oom_killed", False)])
def test_the_chunks_of_a_pregeneration_that_survived_are_kept(
    tmp_path: Path, bench: dict[str, Any], run: Run, verdict: str, *, kept: bool
) -> None:
    """GIVEN a pre-generation WHEN it survived THEN its chunks are there for all that read; half of them never are."""
    bench["verdict"] = verdict
    run("pregenerate")
    assert (tmp_path / "cache" / "pregenerated" / "chunk.mp3").exists() is kept


def test_a_run_says_which_state_it_measured(
    repository: Path, bench: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a repository THEN the run's `run.json` names its commit, and that there were changes besides."""
    monkeypatch.setattr(options, "ROOT", repository)
    (repository / "code.py").write_text("print(2)\n")
    (repository / "cache").mkdir()
    cell = Cell(by_name("live"), 500.0, 1)
    run_cell(cell, repository / "out", repository / "cache" / "store", Progress.__new__(Progress))
    told = json.loads((repository / "out" / "balance-500" / "live-1" / "run.json").read_text())["commit"]
    assert told == f"{git(repository, 'rev-parse', '--short', 'HEAD')} with changes not committed"


def git(repository: Path, *words: str) -> str:
    """What git says there."""
    told = subprocess.run(["git", "-C", repository, *words], capture_output=True, text=True, check=True)
    return told.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, which is the root of `benchmarks.options`."""
    root = tmp_path / "repository"
    root.mkdir()
    for key, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    git(root, "init", "-q")
    (root / "code.py").write_text("print(1)\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Begun")
    monkeypatch.setattr(options, "ROOT", root)
    return root


def test_a_run_is_committed_alone(repository: Path) -> None:
    """GIVEN other changes in the tree, staged too THEN the commit has the run's files and no other."""
    folder = make_run(repository / "reports" / "options", "balance-500/live-1")
    (repository / "code.py").write_text("print(2)\n")
    git(repository, "add", "code.py")
    commit_run(folder)
    assert git(repository, "log", "-1", "--format=%s") == "Measured: balance-500/live-1"
    changed = git(repository, "show", "--name-only", "--format=", "HEAD").splitlines()
    assert changed
    assert {Path(name).parent.name for name in changed} == {"live-1"}


def test_a_commit_waits_for_another_process(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an index that another process has locked WHEN it lets go THEN the run is committed."""
    folder = make_run(repository / "reports" / "options", "balance-500/live-1")
    lock = repository / ".git" / "index.lock"
    lock.touch()
    waits: list[float] = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        lock.unlink(missing_ok=len(waits) > 1)

    monkeypatch.setattr("benchmarks.options.time.sleep", let_go)
    commit_run(folder)
    assert waits == [1]
    assert git(repository, "log", "-1", "--format=%s") == "Measured: balance-500/live-1"


def test_a_lock_that_nobody_lets_go_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an index that stays locked THEN after twenty tries one line says so, with the way out."""
    folder = make_run(repository / "reports" / "options", "balance-500/live-1")
    (repository / ".git" / "index.lock").touch()
    waits: list[float] = []
    monkeypatch.setattr("benchmarks.options.time.sleep", waits.append)
    with pytest.raises(OomproofError, match=r"live-1: git does not commit it: .*Commit it by hand\."):
        commit_run(folder)
    assert len(waits) == options.COMMIT_TRIES


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--balances", "x"], ["--what"]])
def test_wrong_use_runs_nothing(
    arguments: list[str], made: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN what makes no sense THEN it is said, with the exit code of wrong use."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
    assert made == []
