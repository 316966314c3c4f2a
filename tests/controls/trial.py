"""One trial of a control through the real path: a VM, its recorder, visitors, and the judge. Started as a process.

`python trial.py CONTROL FOLDER [--seed N] [--backend NAME]` leaves the run in FOLDER; its verdict.json is the answer.
`killed_by_other` is the flat server, to whom a SIGKILL comes from here, in the middle of the load.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from profiles.errors import OomproofError
from profiles.load import NOBODYS, Documents
from profiles.run import Bench, run_scenario
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario
from profiles.trim import CALL
from profiles.vm_size import VmSize

HERE = Path(__file__).parent
LOAD_S = 10.0
MEMORY_MB = {"oom": 96, "oom_child": 96}
"""The VM of those that are to be killed; 256 of the others, which none of them needs."""
TRIMS = {
    "retain": CALL,
    "leak_per_session": CALL,
    "leak_per_request": "/trim",
    "plateau": "/trim",
    "flat": CALL,
}
KILLED_BY_OTHER = "killed_by_other"
KILLER = "killer"
"""Given as a control: who sends that SIGKILL, a process of its own."""


def scenario_of(control: str, seed: int) -> Scenario:
    """The scenario of a control."""
    name = "flat" if control == KILLED_BY_OTHER else control
    server = [sys.executable, str(HERE / "applications.py"), name, "{port}"]
    visitors = [sys.executable, str(HERE / "visitors.py"), str(LOAD_S)]
    return Scenario.model_validate(
        {
            "name": control,
            "vm": {"memory": f"{MEMORY_MB.get(control, 256)}MB"},
            "target": {"command": server, "health": "/api/health"},
            "load": {"kind": "command", "command": visitors, "seed": seed, "session_s": LOAD_S, "pace": 1.0},
        }
    )


def kill_halfway(folder: Path) -> None:
    """SIGKILL the server of that run, whose pid its own events tell, once half of the load is over."""
    deadline = time.monotonic() + 60
    while not (started := RunFolder(folder).named("load_started")):
        assert time.monotonic() < deadline, "no load"
        time.sleep(0.1)
    time.sleep(max(0.0, started[0].t + LOAD_S / 2 - time.monotonic()))
    pid = RunFolder(folder).named("started")[0].facts["pid"]
    assert isinstance(pid, int)
    assert pid > 1
    os.kill(pid, signal.SIGKILL)


def main() -> int:
    """Run one trial; 0 when there is a verdict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("control")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend")
    chosen = parser.parse_args()
    chosen.folder.parent.mkdir(parents=True, exist_ok=True)
    if chosen.control == KILLER:
        kill_halfway(chosen.folder)
        return 0
    bench = Bench(
        Documents(chosen.folder), NOBODYS, VmSize(256, 2, 2.0), chosen.folder.parent,
        ends_at_death=True, backend=chosen.backend, trim=TRIMS.get(chosen.control),
    )  # fmt: skip
    if chosen.control == KILLED_BY_OTHER:
        killer = subprocess.Popen([sys.executable, __file__, KILLER, str(chosen.folder)])
    try:
        record = run_scenario(scenario_of(chosen.control, chosen.seed), bench, chosen.folder, lambda _: None)
    except OomproofError as error:
        print(f"{chosen.control}: {error}", file=sys.stderr)
        return error.exit_code
    if chosen.control == KILLED_BY_OTHER:
        killer.wait()
    print(record.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
