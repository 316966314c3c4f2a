"""A revision built beside this tree: its own code in its own environment, and one line where that cannot be."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles import processes
from profiles.build import HERE, Build
from profiles.errors import EXIT_USAGE, OomproofError
from profiles.gate import revision
from profiles.gate.build_steps import BuildSteps
from profiles.gate.kept_builds import KEPT_UNUSED_S, held
from profiles.gate.revision import build_revision, build_this_tree
from profiles.health import healthy
from tests.profiles.gate.repositories import SERVER, a_repository, commit, git, write_files

READY = "ready"
MADE = ["its files", "its environment", "its requirements", "its packages", READY]

Make = Callable[..., Build]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit; its server says `first`."""
    return a_repository(tmp_path / "repository")


@pytest.fixture
def told() -> list[str]:
    """What a person was told."""
    return []


@pytest.fixture
def make(root: Path, tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Builds a revision of that repository, which needs no packages: what installs and compiles them does nothing."""
    monkeypatch.setattr(revision, "_uv", lambda: "true")
    monkeypatch.setattr(BuildSteps, "make_ready", lambda steps, _: steps.tell(f"{steps.named}: {READY}"))

    def build(rev: str = "HEAD", *, repository: Path = root) -> Build:
        told.clear()
        return build_revision(rev, told.append, tmp_path / "cache", repository=repository)

    return build


def says(build: Build) -> str:
    """What its server prints, with us in another state's folder."""
    told = subprocess.run(build.command(), env=build.environment(), cwd=HERE, capture_output=True, check=True)
    return told.stdout.decode().strip()


def steps_of(told: list[str]) -> list[str]:
    """The steps that a person was told of."""
    return [line.partition(": ")[2] for line in told]


def test_a_revision_runs_its_own_code_in_its_own_environment(make: Make, root: Path, tmp_path: Path) -> None:
    """GIVEN a commit, a later one and a changed tree WHEN both are built THEN each says what it said then."""
    commit(root, says="second")
    (root / SERVER).write_text("print('not committed')\n")
    first, second = make("HEAD~1"), make("HEAD")
    assert (says(first), says(second)) == ("first", "second")
    assert first.root == tmp_path / "cache" / "revisions" / git(root, "rev-parse", "HEAD~1")
    assert first.python.is_relative_to(first.root)
    assert (root / SERVER).read_text() == "print('not committed')\n"
    assert git(root, "status", "--porcelain") == f"M {SERVER}"


def test_a_revision_is_called_as_it_was_named(make: Make, root: Path) -> None:
    """GIVEN a branch, a part of a number and the whole number THEN the name and the commit are both told, once."""
    number = git(root, "rev-parse", "HEAD")
    git(root, "tag", "-a", "v1", "-m", "A tag of its own")
    assert make("main").described == f"main ({number[:7]})"
    assert make("v1").described == f"v1 ({number[:7]})"
    assert make(number[:5]).described == make(number).described == number[:7]


def test_what_goes_on_is_told(make: Make, root: Path, told: list[str]) -> None:
    """GIVEN a revision that is built THEN a person reads each step with its name."""
    make()
    assert told == [f"revision HEAD ({git(root, 'rev-parse', 'HEAD')[:7]}): {step}" for step in MADE]


def test_a_build_is_made_once(make: Make, root: Path, told: list[str]) -> None:
    """GIVEN a build that is whole WHEN the commit is named again, be it otherwise THEN nothing is done."""
    first = make("HEAD")
    assert make("main").root == first.root
    assert told == []


def stop_half_way(build: Build, _root: Path) -> None:
    """As an interrupted build leaves it."""
    (build.root / ".venv" / "complete").unlink()


def change_python(build: Build, _root: Path) -> None:
    """As a build is after our own Python was changed for another."""
    (build.root / ".venv" / "complete").write_text("3.11.0\n")


def break_stamp(build: Build, _root: Path) -> None:
    """As a broken disk leaves it."""
    (build.root / ".venv" / "complete").write_bytes(b"\xff\xfe")


def change_file(build: Build, _root: Path) -> None:
    """Somebody tried something in it."""
    (build.root / SERVER).write_text("print('tried')\n")


def remove_folder(build: Build, _root: Path) -> None:
    """`make clean`, of which git knows nothing."""
    shutil.rmtree(build.root)


def remove_locked_folder(build: Build, root: Path) -> None:
    """Git locks a worktree while it makes it: so it is left when that is killed."""
    git(root, "worktree", "lock", str(build.root))
    shutil.rmtree(build.root)


def forget_worktree(build: Build, root: Path) -> None:
    """A repository that was cloned again keeps its cache, and knows of no worktree."""
    shutil.rmtree(root / ".git" / "worktrees")
    assert build.root.exists()


@pytest.mark.parametrize(
    "harm",
    [
        stop_half_way,
        change_python,
        break_stamp,
        change_file,
        remove_folder,
        remove_locked_folder,
        forget_worktree,
    ],
)
def test_a_build_that_is_not_whole_is_made_anew(
    make: Make, root: Path, told: list[str], harm: Callable[[Build, Path], None]
) -> None:
    """GIVEN a build that was interrupted, changed or removed WHEN it is wanted THEN it is made from the beginning."""
    harm(make(), root)
    build = make()
    assert steps_of(told) == MADE
    assert says(build) == "first"
    make()
    assert told == []


def test_an_interrupted_build_is_not_taken_for_whole(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN Ctrl-C in the last step WHEN the gate is held again THEN it is built, and nothing is in its way."""

    def interrupt(_steps: BuildSteps, _build: Build) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BuildSteps, "make_ready", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make()
    assert says(make()) == "first"


def test_no_hook_of_the_repository_runs(make: Make, root: Path) -> None:
    """GIVEN a hook that git runs on a checkout THEN it does not run here, though it does for a person."""
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {root}/hooked\n")
    hook.chmod(0o755)
    make()
    assert not (root / "hooked").exists()
    git(root, "checkout", "-q", "--detach")
    assert (root / "hooked").exists(), "else this test could not fail"


def test_a_gate_in_a_hook_builds_from_its_own_repository(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN the variables of a commit that is being made elsewhere THEN neither is taken for the other."""
    other = a_repository(tmp_path / "other")
    commit(other, says="other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert says(make()) == "first"


def test_the_server_may_lie_deeper_in_its_repository(make: Make, tmp_path: Path) -> None:
    """GIVEN our files in a folder of a larger repository THEN the build is that folder, at that revision."""
    ours = write_files(tmp_path / "larger" / "ours")
    git(tmp_path / "larger", "init", "-q")
    commit(tmp_path / "larger")
    build = make(repository=ours)
    assert build.root.name == "ours"
    assert says(build) == "first"


@pytest.mark.parametrize("rev", ["nowhere", "HEAD~7", "5e" * 20, "-x", "", "HEAD:README.md"])
def test_a_revision_that_is_not_there_is_one_line(make: Make, tmp_path: Path, rev: str) -> None:
    """GIVEN a name of no commit THEN one line says how to get on, and nothing is left."""
    with pytest.raises(
        OomproofError, match=f"^revision '{rev}': the repository holds no such commit"
    ) as failed:
        make(rev)
    assert str(failed.value).endswith("Fetch it, or name another (git log).")
    assert failed.value.exit_code == EXIT_USAGE
    assert not (tmp_path / "cache").exists()


def test_a_shallow_clone_is_told_how_to_fetch_the_rest(make: Make, root: Path, tmp_path: Path) -> None:
    """GIVEN a clone without history, as CI makes it THEN the line gives both ways to have it."""
    commit(root)
    git(root, "clone", "-q", "--depth", "1", root.as_uri(), str(tmp_path / "shallow"))
    with pytest.raises(OomproofError, match=r"shallow: git fetch --unshallow, or fetch-depth: 0 where CI"):
        make("HEAD~1", repository=tmp_path / "shallow")


def test_without_a_repository_there_is_no_revision(make: Make, tmp_path: Path) -> None:
    """GIVEN files without a repository THEN one line says so, and what else can be compared with."""
    with pytest.raises(
        OomproofError, match=r"^revision 'HEAD': git rev-parse: fatal: not a git.*a baseline\.$"
    ):
        make(repository=write_files(tmp_path / "plain"))


def test_a_step_that_fails_is_one_line_with_its_log(
    make: Make, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN requirements that cannot be installed THEN the line names the revision, the step, the cause, the log."""
    number = git(root, "rev-parse", "HEAD")
    log = tmp_path / "cache" / "revisions" / f"{number}.log"
    monkeypatch.setattr(revision, "_uv", lambda: "false")
    with pytest.raises(OomproofError) as failed:
        make("main")
    assert str(failed.value) == f"revision main ({number[:7]}): its requirements: it said nothing. See {log}."
    assert failed.value.exit_code == EXIT_USAGE


def test_two_gates_build_one_after_the_other(make: Make, root: Path, tmp_path: Path, told: list[str]) -> None:
    """GIVEN a gate that is building WHEN another wants the same THEN it waits, and finds it whole."""
    folder = make().root
    first = held(folder, 0.0, pytest.fail)
    first.__enter__()
    told.clear()

    def tell(line: str) -> None:
        told.append(line)
        first.__exit__(None, None, None)

    assert build_revision("HEAD", tell, tmp_path / "cache", repository=root).root == folder
    assert told == [f"revision HEAD ({folder.name[:7]}): another gate builds it"]


def test_a_cache_that_cannot_be_written_is_one_line(make: Make, tmp_path: Path) -> None:
    """GIVEN a file where the cache should be THEN one line names it."""
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(OomproofError, match=rf"^{tmp_path}/cache\S*: Not a directory\. Make it writable"):
        make()


def test_old_builds_are_forgotten_by_git_too(make: Make, root: Path) -> None:
    """GIVEN a build that nobody used for long WHEN another is made THEN it is gone, and git's note of it."""
    old = make().root
    then = time.time() - KEPT_UNUSED_S - 60
    os.utime(old.with_name(f"{old.name}.lock"), (then, then))
    commit(root, says="second")
    new = make().root
    worktrees = re.findall(r"^worktree (.*)$", git(root, "worktree", "list", "--porcelain"), re.MULTILINE)
    assert worktrees == [str(root), str(new)]
    assert not old.exists()


def test_uv_is_taken_from_beside_our_python_and_then_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN uv in both places, on the path, and nowhere THEN the first is taken, and its lack is one line."""
    beside, on_path = tmp_path / "bin", tmp_path / "path"
    for folder in (beside, on_path):
        folder.mkdir()
        (folder / "uv").write_text("#!/bin/sh\n")
        (folder / "uv").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    monkeypatch.setenv("PATH", str(on_path))
    assert revision._uv() == str(beside / "uv")
    (beside / "uv").unlink()
    assert revision._uv() == str(on_path / "uv")
    (on_path / "uv").unlink()
    with pytest.raises(OomproofError, match=f"^uv: neither at {beside}/uv nor on the path. Install it: pip"):
        revision._uv()


@pytest.fixture
def here(root: Path, tmp_path: Path) -> Build:
    """The repository as this tree, with a Python that has no packages."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    return Build(root, tmp_path / "venv" / "bin" / "python")


def test_this_tree_is_described_and_made_ready(here: Build, tmp_path: Path, told: list[str]) -> None:
    """GIVEN a changed tree THEN its build is compiled as a revision's is, and called by its commit and its change."""
    (here.root / SERVER).write_text("print('changed')\n")
    build = build_this_tree(told.append, tmp_path / "cache", here=here)
    assert build.described == git(here.root, "rev-parse", "HEAD")[:7] + " with changes not committed"
    assert says(build) == "changed"
    assert told == ["this tree: its import", "this tree: its bytecode"]


def test_a_tree_that_is_broken_is_one_line(here: Build, tmp_path: Path) -> None:
    """GIVEN a server that raises as it is imported THEN no run is tried, and the line says what it raised."""
    (here.root / "reference_server" / "__init__.py").write_text("1 / 0\n")
    with pytest.raises(
        OomproofError, match=r"^this tree: its import: ZeroDivisionError: division by zero\. See"
    ):
        build_this_tree(print, tmp_path / "cache", here=here)


TITLE = "oomproof reference server"


def title_of(build: Build, folder: Path) -> str:
    """Start its server as a run does, with us in the folder of another state, and return the title that it serves."""
    port = processes.free_port()
    settings = {
        "PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), "DOCSTORE_DIR": str(folder / "store"),
        "API_BASE": "http://127.0.0.1:9/v1", "API_KEY": "none", **build.environment(),
    }  # fmt: skip
    log, url = folder / "server.log", f"http://127.0.0.1:{port}"
    server = processes.start(build.command(), log, environment=settings)
    try:
        deadline = time.monotonic() + 60
        while not healthy(url):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/api/openapi.json")
        title = json.load(connection.getresponse())["info"]["title"]
        connection.close()
        return str(title)
    finally:
        processes.stop(server)


@pytest.mark.slow
def test_revisions_of_this_repository_are_built_and_each_serves_its_own_code(tmp_path: Path) -> None:
    """GIVEN our HEAD, and commits that change a title, break the server and forge a hash THEN each is what it is."""
    clone, cache = tmp_path / "clone", tmp_path / "cache"
    git(tmp_path, "clone", "-q", str(HERE), str(clone))
    ours = git(clone, "rev-parse", "HEAD")
    openapi, requirements = clone / "reference_server" / "openapi.py", clone / "requirements" / "run.txt"
    openapi.write_text(openapi.read_text().replace(TITLE, "another server"))
    commit(clone)
    (clone / "reference_server" / "__init__.py").write_text('raise RuntimeError("broken on purpose")\n')
    git(clone, "tag", "broken", commit(clone))
    locked = requirements.read_text()
    requirements.write_text(re.sub(r"(?<=sha256:)[0-9a-f]{64}", "5e" * 32, locked))
    git(clone, "tag", "forged", commit(clone))

    def build(rev: str) -> Build:
        return build_revision(rev, print, cache, repository=clone)

    with pytest.raises(OomproofError, match=r"^revision forged \(\w{7}\): its requirements: .*Hash mismatch"):
        build("forged")
    with pytest.raises(
        OomproofError, match=r"^revision broken \(\w{7}\): its import: RuntimeError: broken on"
    ):
        build("broken")
    assert title_of(build(ours), tmp_path) == TITLE
    assert title_of(build("broken~1"), tmp_path) == "another server"
