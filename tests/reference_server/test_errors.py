"""The exceptions are shared with the child processes, each of which pays for what they import."""

import subprocess
import sys

import pytest

_LIST_MODULES = "import sys, importlib; importlib.import_module(sys.argv[1]); print(*sys.modules)"


@pytest.mark.slow
@pytest.mark.parametrize("child", ["transcribe", "align", "decode", "extract"])
def test_a_child_carries_nothing_of_the_web_server(child: str) -> None:
    """What children import beyond their work would be memory that the measured fault does not need."""
    command = [sys.executable, "-c", _LIST_MODULES, f"reference_server.{child}"]
    modules = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert f"reference_server.{child}" in modules
    assert not {"starlette", "uvicorn", "openai"} & set(modules)
