"""DESIGN in a test: who may know whom, how long a module may be, what never gets into the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("reference_server", "loadtests", "profiles")
MAY_IMPORT = {
    "reference_server": set(),
    "loadtests": {"reference_server.blocks"},
    "profiles": set(),
}
LONGEST_MODULE = 400


def imported(path: Path) -> Iterator[str]:
    """Every module of this project's that the file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tracked() -> list[Path]:
    """The files of the repository."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_parts_know_only_whom_they_may(package: str) -> None:
    """The server knows nobody, the load only the splitter, the measuring side nobody."""
    for path in (ROOT / package).rglob("*.py"):
        for name in imported(path):
            other = name.partition(".")[0]
            if other in PACKAGES and other != package:
                allowed = any(name.startswith(known) for known in MAY_IMPORT[package])
                assert allowed, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_has_one_subject(package: str) -> None:
    """No module is longer than 400 lines."""
    for path in (ROOT / package).rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST_MODULE, f"{path.relative_to(ROOT)} has {lines} lines"


def test_the_server_has_no_sleep_and_no_test_hook() -> None:
    """What is measured is not staged: the server never waits on purpose, nor asks if it is watched."""
    for path in (ROOT / "reference_server").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\btime\.sleep\(|OOMPROOF|PYTEST", text), path.relative_to(ROOT)


def test_no_address_of_a_package_index_and_no_path_of_one_machine_is_tracked() -> None:
    """Lock files hold hashes, not addresses; nothing names the folder it was written in."""
    address = re.compile(
        r"(index-url|find-links|registry)\S*\s*[=:]?\s*\"?https?://|https?://\S+/simple(/|\"|$)"
    )
    for path in tracked():
        if path.suffix in {".py", ".toml", ".txt", ".md", ".in", ".yml", ".json", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not address.search(text), path.relative_to(ROOT)
            assert str(ROOT) + "/" not in text, path.relative_to(ROOT)


def test_every_requirement_is_locked_by_hash() -> None:
    """Each line that names a package in a lock file is followed by a hash."""
    for name in ("uv", "run", "server", "load", "dev", "peers"):
        entries = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ").splitlines()
        packages = [entry for entry in entries if "==" in entry]
        assert packages
        assert all("--hash=sha256:" in entry for entry in packages)
