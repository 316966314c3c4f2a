"""One run of a gate, as a process of its own: `python -m profiles.gate.trial SPEC`, so that two can run at once.

Whatever happens to it, it ends its VM itself; its run folder tells the rest. The exit code is that of a run: 0
measured (whatever the verdict), else that of the error, whose line is the last of its output.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from profiles.build import Build
from profiles.errors import EXIT_INTERRUPTED, EXIT_OK, OomproofError, Terminated
from profiles.load import Documents, Upstream
from profiles.run import Bench, run_scenario
from profiles.scenario import Scenario
from profiles.vm_size import VmSize


@dataclass(frozen=True)
class Trial:
    """All that one run needs.

    Attributes:
        scenario: what is run.
        folder: its run folder, which is not there yet.
        store: the folder in which pre-generation leaves its chunks, and others find them.
        documents: what is read.
        upstream: the speech API, which somebody else started and watches.
        vm_size: the VM, where the scenario names no other.
        build: the state of the server.
        backend: what builds the VM's walls; None: the best that the machine offers.
        memray: whether the server's heap is captured.
    """

    scenario: Scenario
    folder: Path
    store: Path
    documents: Documents
    upstream: Upstream
    vm_size: VmSize
    build: Build
    backend: str | None
    memray: bool = False

    def to_json(self) -> str:
        """Return it as text, for another process."""
        return json.dumps(
            {
                "scenario": self.scenario.model_dump(mode="json", by_alias=True, exclude_unset=True),
                "folder": str(self.folder),
                "store": str(self.store),
                "documents": {name: path and str(path) for name, path in asdict(self.documents).items()},
                "upstream": asdict(replace(self.upstream, process=None)),
                "vm_size": asdict(self.vm_size),
                "build": {
                    "root": str(self.build.root),
                    "python": str(self.build.python),
                    "described": self.build.described,
                    "program": self.build.program,
                },
                "backend": self.backend,
                "memray": self.memray,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Trial:
        """Return what `to_json` wrote."""
        found: dict[str, Any] = json.loads(text)
        build = found["build"]
        return cls(
            scenario=Scenario.model_validate_json(json.dumps(found["scenario"])),
            folder=Path(found["folder"]),
            store=Path(found["store"]),
            documents=Documents(**{name: path and Path(path) for name, path in found["documents"].items()}),
            upstream=Upstream(**found["upstream"]),
            vm_size=VmSize(**found["vm_size"]),
            build=Build(
                Path(build["root"]), Path(build["python"]), build["described"], tuple(build["program"])
            ),
            backend=found["backend"],
            memray=found["memray"],
        )

    def run(self) -> None:
        """Run it into its folder.

        Raises:
            OomproofError: a mistake, or a part of the run broke; a broken run's folder is there to be judged.
        """
        bench = Bench(
            self.documents, self.upstream, self.vm_size, self.store,
            memray=self.memray, backend=self.backend, build=self.build,
        )  # fmt: skip
        run_scenario(self.scenario, bench, self.folder, lambda _: None)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would break off the end of the VM
    raise Terminated


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial that stands in the file."""
    (spec,) = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        Trial.from_json(Path(spec).read_text(encoding="utf-8")).run()
    except OomproofError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Terminated):
        return EXIT_INTERRUPTED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
