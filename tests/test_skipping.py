"""A skipped test passes on a laptop and fails in CI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("in_ci", "status"), [("", 0), ("true", 1)])
def test_a_skipped_test_fails_in_ci(tmp_path: Path, in_ci: str, status: int) -> None:
    """GIVEN a test that is skipped WHEN it runs in CI THEN the session fails and says how many were skipped."""
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_it():\n    pytest.skip('no reason')\n")
    environ = {**os.environ, "CI": in_ci}
    plain = ("--disable-plugin-autoload", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plain, str(tmp_path)]
    result = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout
    assert ("1 skipped, which CI takes for failed" in result.stdout) == bool(status)
