"""A state of the reference server that can be started: where its code is, and the environment that it runs in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Build:
    """A folder that holds `reference_server`, and the Python that has what it needs and finds it there.

    `described` says which state it is, such as a commit. `program` are the arguments for that Python: `-P` keeps the
    folder that we happen to be in off the path, for it may hold another state of the same package.
    """

    root: Path = HERE
    python: Path = Path(sys.executable)
    described: str = "this tree"
    program: tuple[str, ...] = ("-P", "-m", "reference_server")

    def command(self) -> list[str]:
        """Return the command that starts its server."""
        return [str(self.python), *self.program]

    def environment(self) -> dict[str, str]:
        """Return the variables with which its server, and what that starts, run the code of `root` and no other.

        The server starts its aligners with `python -m` and without `-P`: they would take the package from the folder
        that we are in, and measure one state's server with another state's aligner.
        """
        return {"PYTHONPATH": str(self.root), "PYTHONSAFEPATH": "1"}


THIS_TREE = Build()
"""The code that is here, with the Python that we run with."""
