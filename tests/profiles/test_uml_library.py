"""The library that user-mode-linux needs on newer processors is built once, and its lack is told."""

import platform
import subprocess
from pathlib import Path

import pytest

from profiles import uml_library
from profiles.uml_library import built_library

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="user-mode-linux is for x86-64")


def test_it_is_built_once_for_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an empty cache WHEN it is asked for twice THEN it is built once; a changed source is built anew."""
    library, lack = built_library(tmp_path)
    assert library is not None, lack
    assert lack == ""
    assert list(tmp_path.iterdir()) == [library]
    built = library.stat().st_mtime_ns
    assert built_library(tmp_path) == (library, "")
    assert library.stat().st_mtime_ns == built
    changed = tmp_path / "changed.c"
    changed.write_text(uml_library.SOURCE.read_text() + "\n/* changed */\n")
    monkeypatch.setattr(uml_library, "SOURCE", changed)
    assert built_library(tmp_path)[0] not in {None, library}


def test_it_replaces_ptrace(tmp_path: Path) -> None:
    """GIVEN the library THEN it is complete: it can be preloaded, and a program's own ptrace still works."""
    library, _ = built_library(tmp_path)
    program = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "libc.ptrace.restype = ctypes.c_long\nlibc.ptrace.argtypes = [ctypes.c_int] + [ctypes.c_long] * 3\n"
        "print(libc.ptrace(16, 0, 0, 0), ctypes.get_errno())"  # PTRACE_ATTACH to nobody: ESRCH
    )
    ended = subprocess.run(
        ["python3", "-c", program], env={"LD_PRELOAD": str(library), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.stdout.strip(), ended.stderr) == ("-1 3", "")


def test_a_machine_without_a_compiler_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no compiler WHEN it is to be built THEN there is none, and the way out is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    library, lack = built_library(tmp_path / "cache")
    assert library is None
    assert "apt-get install gcc" in lack


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a source that cannot be compiled THEN there is no library, none half-built, and the compiler's words."""
    broken = tmp_path / "broken.c"
    broken.write_text('#error "no such processor"\n')
    monkeypatch.setattr(uml_library, "SOURCE", broken)
    library, lack = built_library(tmp_path / "cache")
    assert library is None
    assert "no such processor" in lack
    assert not list((tmp_path / "cache").iterdir())
