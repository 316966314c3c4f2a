"""How large a VM is: its memory, its vCPUs and their share of a core, as Fly.io sells them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from profiles.errors import OomproofError

MIB = 1024 * 1024
SHARED_SHARE_OF_CORE = 5 / 80
"""Each shared vCPU has 5 ms of every 80 ms; the machine pools them (Fly.io's own documentation)."""
CPU_PERIOD_US = 80_000
RESTED_BALANCE_S = 500.0
"""The most CPU time that a Fly machine saves while idle; a new one has 5 s."""

PROJECT_FLY_TOML = Path(__file__).resolve().parent.parent / "fly.toml"
_SIZE = re.compile(r"\s*(\d+)\s*(mb|gb)?\s*", re.IGNORECASE)
_NAMED = re.compile(r"(shared-cpu|performance)-(\d+)x")


@dataclass(frozen=True)
class VmSize:
    """A VM: `memory_mb` in MiB, `cpus` it may use at once, `share_of_core` once its balance is spent.

    `swap_mb` is how much it may put out to the machine's swap beside its memory, in MiB.
    """

    memory_mb: int
    cpus: int
    share_of_core: float
    swap_mb: int = 0

    @property
    def memory_bytes(self) -> int:
        """The limit in bytes."""
        return self.memory_mb * MIB

    @property
    def swap_bytes(self) -> int:
        """The limit of what it swaps, in bytes."""
        return self.swap_mb * MIB


def parse_memory_mb(value: object) -> int:
    """Return MiB from `4096`, `"4096mb"` or `"4GB"` (Fly's MB are MiB).

    Raises:
        ValueError: it is not a size.
    """
    match = _SIZE.fullmatch(str(value)) if isinstance(value, int | str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("not a size. Use a number with MB or GB, such as 4GB")
    return int(match[1]) * (1024 if (match[2] or "").lower() == "gb" else 1)


def fly_toml_here() -> Path:
    """Return this folder's fly.toml, else the project's own: a server of somebody's own lives where there is none."""
    here = Path("fly.toml")
    return here if here.exists() else PROJECT_FLY_TOML


def read_fly_toml(path: Path) -> VmSize:
    """Return the VM that `[[vm]]` in a fly.toml describes.

    Raises:
        OomproofError: the file or its `[[vm]]` cannot be used.
    """
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OomproofError(
            f"{path}: {error.strerror}. Give another --fly-toml FILE, or leave it out."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OomproofError(f"{path}: not TOML: {error}. Mend it, or give another --fly-toml FILE.") from None
    sections = config.get("vm")
    if not isinstance(sections, list) or not sections or not isinstance(sections[0], dict):
        raise OomproofError(f"{path}: has no [[vm]] section. Add one with size and memory.")
    return _from_section(sections[0], str(path))


def _from_section(section: dict[str, object], path: str) -> VmSize:
    size = section.get("size") or f"{section.get('cpu_kind', 'shared')}-cpu-{section.get('cpus', 1)}x"
    named = _NAMED.fullmatch(str(size).replace("performance-cpu-", "performance-"))
    if named is None:
        raise OomproofError(f"{path}: vm.size: {size!r} is not a Fly size such as shared-cpu-2x.")
    cpus = int(named[2])
    shared = named[1] == "shared-cpu"
    memory = section.get("memory", f"{cpus * (256 if shared else 2048)}mb")
    try:
        memory_mb = parse_memory_mb(memory)
    except ValueError as error:
        raise OomproofError(f"{path}: vm.memory: {memory!r}: {error}.") from None
    return VmSize(memory_mb, cpus, share_of_core=cpus * (SHARED_SHARE_OF_CORE if shared else 1.0))
