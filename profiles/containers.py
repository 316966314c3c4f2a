"""Containers of Docker, Podman and containerd, by name or id: their control groups and their first process."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from profiles.cgroup_paths import MEMORY, UNIFIED, paths_of
from profiles.errors import OomproofError
from profiles.process_tree import PROC

CLIENTS = ("docker", "podman")
_ANSWER_WITHIN_S = 10.0
_LONG_ID = 64
_SHORTEST_ID = 6
_ID = re.compile(rf"(?:^|[-:])(?<!conmon-)([0-9a-f]{{{_LONG_ID}}})(?:\.scope)?$")
"""The last part of a group's path: a bare id (Docker, containerd on cgroup v1), or one in a scope of systemd such as
`docker-ID.scope`, `libpod-ID.scope`, `cri-containerd-ID.scope`, `crio-ID.scope`. Not that of the monitor beside it."""


def container_ids(path: str) -> dict[str, str]:
    """Return the ids of the containers that a group's path leads through, each with its own group."""
    parts = path.split("/")
    return {
        found[1]: "/".join(parts[: at + 1])
        for at, part in enumerate(parts)
        if (found := _ID.search(part)) is not None
    }


def find_container(name: str, proc: Path = PROC) -> str:
    """Return the control group of a running container, found by its id, or by asking Docker or Podman for its name.

    Raises:
        OomproofError: there is none, or several, or nobody to ask; says what to do.
    """
    running = _running(proc)
    by_id = sorted(found for found in running if len(name) >= _SHORTEST_ID and found.startswith(name.lower()))
    if len(by_id) > 1:
        raise OomproofError(f"--container {name}: {len(by_id)} containers begin so. Give more of the id.")
    if by_id:
        return running[by_id[0]]
    container_id = _asked(name)
    if container_id not in running:
        raise OomproofError(
            f"--container {name}: no process of it is to be seen here. Watch it on the machine it runs on."
        )
    return running[container_id]


def _running(proc: Path) -> dict[str, str]:
    """Return the group of each container that has a process here, by id."""
    found: dict[str, str] = {}
    for folder in proc.iterdir():
        if folder.name.isdecimal():
            paths = paths_of(int(folder.name), proc)
            found |= container_ids(paths.get(MEMORY) or paths.get(UNIFIED) or "")
    return found


def _asked(name: str) -> str:
    clients = [client for client in CLIENTS if shutil.which(client)]
    if not clients:
        raise OomproofError(
            f"--container {name}: no container has this id, and neither docker nor podman is here to ask for a name. "
            "Give its id, --pid or --cgroup."
        )
    reasons = []
    for client in clients:
        told, reason = _inspected(client, name)
        if told is not None:
            return told
        reasons.append(f"{client}: {reason.rstrip('.?! ')}")
    raise OomproofError(f"--container {name}: {'; '.join(reasons)}. Give its id, --pid or --cgroup.")


def _inspected(client: str, name: str) -> tuple[str | None, str]:
    """Return the container's id, or None and why."""
    command = [client, "container", "inspect", "--", name]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_WITHIN_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {_ANSWER_WITHIN_S:g} s"
    except OSError as error:
        return None, error.strerror or "cannot be started"
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines()
        return None, said[-1] if said else f"ended with status {answer.returncode}"
    try:
        found = json.loads(answer.stdout)[0]
        container_id, running = str(found["Id"]), bool(found["State"]["Running"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None, "its answer cannot be read"
    return (container_id, "") if running else (None, f"{name} is not running")
