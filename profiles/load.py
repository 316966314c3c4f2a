"""The commands of the load side: the speech upstream, the preparation, and what is sent at the target."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.errors import RunError
from profiles.scenario import Load, Scenario, SpeechUpstream

DOCUMENT_ID = "reading"
DIALOGUE = "dialogue"
"""The kind of people who read a document of their own, of short lines."""
RESTLESS = "restless"
"""The kind who change voice and speed."""
LOADTESTS = Path(__file__).resolve().parent.parent / "loadtests"
NO_UPSTREAM = "none"
"""What a run says of its speech API where target and load are commands that asked for none."""
_START_WITHIN_S = 30.0
_COUNTS_WITHIN_S = 15.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Upstream:
    """The speech API: `base_url` as an OpenAI client takes it; `own` when we started it as a stand-in."""

    base_url: str
    key: str
    own: bool
    process: subprocess.Popen[bytes] | None = None

    def check(self) -> None:
        """Raise RunError when the stand-in has ended: what the server then does is not its own doing."""
        if self.process is not None and self.process.poll() is not None:
            raise RunError(
                f"speech upstream: it ended with status {self.process.returncode}. See upstream.log."
            )

    def counts(self) -> dict[str, float]:
        """Return the stand-in's own counts: requests, those that met a fault, those later than their drawn latency.

        Raises:
            RunError: it does not tell them, so nobody knows whether it was late.
        """
        if not self.own:
            return {}
        try:
            with _DIRECT.open(f"{self.root}/stats", timeout=_COUNTS_WITHIN_S) as answer:
                found = json.load(answer)
        except (OSError, ValueError, http.client.HTTPException):
            self.check()
            raise RunError(
                "speech upstream: it does not say how many answers were late. See upstream.log."
            ) from None
        counts = {key: found[key] for key in ("requests", "faulted", "late")}
        counts |= {f"faulted_{fault}": number for fault, number in found.get("faults", {}).items()}
        return {key: float(number) for key, number in counts.items()}

    @property
    def root(self) -> str:
        """The address without its /v1."""
        return self.base_url.removesuffix("/v1")

    @property
    def described(self) -> str:
        """What a report says of it."""
        if not self.base_url:
            return NO_UPSTREAM
        return "the project's own stand-in (espeak-ng)" if self.own else self.base_url


NOBODYS = Upstream("", "", own=False)
"""Stands where no speech API is needed."""


@dataclass(frozen=True)
class Documents:
    """What is read: a document, and one of short lines for the `dialogue` readers; None where nobody reads it."""

    document: Path | None = None
    dialogue: Path | None = None


@contextlib.contextmanager
def own_upstream(log: Path, pace: float, seed: int, conditions: SpeechUpstream) -> Iterator[Upstream]:
    """Start the stand-in for the paid speech API, and stop it at the end.

    Raises:
        RunError: it does not start.
    """
    port = processes.free_port()
    command = processes.python_module(
        "loadtests.upstream", "--port", port, "--pace", pace, "--seed", seed, "--latency", conditions.latency,
        *(word for fault in conditions.faults for word in ("--fault", fault)),
    )  # fmt: skip
    process = processes.start(command, log)
    upstream = Upstream(f"http://127.0.0.1:{port}/v1", "none", own=True, process=process)
    try:
        _await_upstream(upstream, process, log)
        yield upstream
    finally:
        processes.stop(process)


def _await_upstream(upstream: Upstream, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RunError(f"speech upstream: ended while starting: {processes.last_line(log)}")
        with contextlib.suppress(OSError), _DIRECT.open(f"{upstream.root}/health", timeout=5):
            return
        time.sleep(0.05)
    raise RunError(f"speech upstream: no answer within {_START_WITHIN_S:g} s. See {log}.")


def build_document(path: Path, log: Path, module: str = "loadtests.corpus") -> Path:
    """Build one of the project's own documents once, and return its path.

    Raises:
        RunError: it cannot be built.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        process = processes.start(processes.python_module(module, path), log)
        if process.wait() != 0:
            raise RunError(f"{path}: could not be built: {processes.last_line(log)}")
    return path


def prepare_command(
    load: Load, url: str, upstream: Upstream, documents: Documents, out: Path, *, pregenerate: bool = False
) -> list[str]:
    """Return the command that uploads the documents, chooses their chapters and has their speech ready."""
    command = processes.python_module(
        "loadtests.prepare", "--host", url, "--document-id", DOCUMENT_ID,
        "--chapters", load.chapters, "--blocks", load.blocks, "--out", out,
    )  # fmt: skip
    if load.kinds != (DIALOGUE,):
        command += ["--document", str(documents.document)]
    if DIALOGUE in load.kinds:
        command += ["--dialogue-document", str(documents.dialogue)]
    if RESTLESS in load.kinds:
        command.append("--changes")
    if upstream.own:
        command += ["--upstream", upstream.root]
    return [*command, "--pregenerate"] if pregenerate else command


def load_command(
    scenario: Scenario, url: str, upstream: Upstream, documents: Documents, folder: Path
) -> list[str]:
    """Return the command that is the load of a scenario, whose rows go into the run's folder."""
    load = scenario.load
    if load.command is not None:
        return list(load.command)
    chapters, requests = folder / "chapters.json", folder / "requests.csv"
    if load.kind == "pregenerate":
        return prepare_command(load, url, upstream, documents, chapters, pregenerate=True)
    if load.kind == "probe":
        return processes.python_module(
            "loadtests.probe", "--host", url, "--chapters-file", chapters, "--mode", load.mode,
            "--count", load.probes, "--requests-file", requests,
        )  # fmt: skip
    return [
        sys.executable, "-m", "locust", "-f", str(LOADTESTS / "locustfile.py"), "--headless", "--host", url,
        "--users", str(load.readers), "--spawn-rate", str(load.readers), "--chapters-file", str(chapters),
        "--mode", load.mode, "--mix", load.mix, "--pace", str(load.pace), "--session-s", str(load.session_s),
        "--sessions", str(load.sessions), "--seed", str(load.seed), "--requests-file", str(requests),
        "--generator-file", str(folder / "generator.csv"), "--judged-elsewhere", *_processes(load),
    ]  # fmt: skip


def load_environment(scenario: Scenario, url: str, folder: Path) -> dict[str, str] | None:
    """Return what a load that is a command finds in its environment, beside ours; None for our own loads."""
    if scenario.load.reads:
        return None
    given = {
        "OOMPROOF_URL": url,
        "OOMPROOF_REQUESTS": str((folder / "requests.csv").resolve()),
        "OOMPROOF_SEED": str(scenario.load.seed),
    }
    return {**os.environ, **given}


def _processes(load: Load) -> list[str]:
    """Return the options of a load of several processes, which meet on a loopback port that nobody else has."""
    if load.processes == 1:
        return []
    port = str(processes.free_port())
    return [
        "--processes", str(load.processes),
        "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port,
    ]  # fmt: skip
