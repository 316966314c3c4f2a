"""Keeps a process in memory: what watches a machine that runs out of memory must not wait for its own pages."""

from __future__ import annotations

import ctypes

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def stay_resident() -> bool:
    """Have the kernel keep every page that this process uses from now on; return whether it does.

    Without swap, a machine short of memory throws away the pages of programs and reads them again at each step: a
    recorder was seen to miss 4.6 s before the kill. Needs root or a large enough RLIMIT_MEMLOCK (mlockall(2)).
    """
    return bool(ctypes.CDLL(None).mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
