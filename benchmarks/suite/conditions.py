"""What a run is measured under: versions of what is measured, and what was allowed to it."""

from __future__ import annotations

import os
import platform
import resource
from importlib import metadata
from typing import Any

VERSIONED = ("starlette", "uvicorn", "httptools", "locust", "pypdfium2", "psutil", "memray")


def versions() -> dict[str, str]:
    """Return what the measured programs' packages call themselves."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONED}}


def limits() -> dict[str, Any]:
    """Return what was allowed to us: cores, open files, and what the load was before."""
    return {
        "cores": sorted(os.sched_getaffinity(0)),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "load_average_before": round(os.getloadavg()[0], 2),
    }
