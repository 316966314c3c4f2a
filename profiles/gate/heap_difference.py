"""Who holds more: two servers' heaps at their peaks, base against head, call site by call site.

Lines move between two states of a program, and the base may have run from another folder: so sites are matched by
function and by file as seen from the root of the program, and the lines are a detail of each.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from profiles.heap_record import HeapRecord, Held, Origin

Site = tuple[Origin, str, str]
"""Origin, file from the program's root, function."""


@dataclass(frozen=True)
class SiteSide:
    """What a function held on one side at the peak; `lines` are its lines, the one that held most first."""

    bytes: int
    allocations: int
    lines: tuple[Held, ...]


@dataclass(frozen=True)
class SiteDifference:
    """A function on both sides; None: it is not listed there, so each of its lines held less than `unlisted_bytes`."""

    origin: Origin
    file: str
    function: str
    base: SiteSide | None
    head: SiteSide | None

    @property
    def name(self) -> str:
        """The function as a report shows it."""
        return f"{self.file} {self.function}".rstrip()

    @property
    def rise_bytes(self) -> int:
        """How much more head held; where a side is not listed, as if it held nothing."""
        return (self.head.bytes if self.head else 0) - (self.base.bytes if self.base else 0)


@dataclass(frozen=True)
class HeapDifference:
    """Two heaps at their peaks.

    Attributes:
        scenario: what both runs played.
        base_bytes: base's heap at its peak.
        head_bytes: head's.
        sites: every function that either side lists, what rose most first.
        base_unlisted_bytes: a line that base does not list held at most this; 0 where all are listed.
        head_unlisted_bytes: the same of head.
        notes: what makes the comparison doubtful.
    """

    scenario: str
    base_bytes: int
    head_bytes: int
    sites: tuple[SiteDifference, ...]
    base_unlisted_bytes: int = 0
    head_unlisted_bytes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def rise_bytes(self) -> int:
        """How much larger head's heap was."""
        return self.head_bytes - self.base_bytes


def heap_difference(base: HeapRecord, head: HeapRecord, notes: Iterable[str] = ()) -> HeapDifference:
    """Return head's heap against base's; `notes` are what makes that doubtful."""
    base_root, head_root = program_roots(_own_files(base), _own_files(head))
    base_sites, head_sites = _by_function(base, base_root), _by_function(head, head_root)
    found = [
        SiteDifference(*site, base=base_sites.get(site), head=head_sites.get(site))
        for site in {**base_sites, **head_sites}
    ]
    return HeapDifference(
        scenario=head.scenario,
        base_bytes=base.peak_bytes or 0,
        head_bytes=head.peak_bytes or 0,
        sites=tuple(sorted(found, key=lambda site: (-site.rise_bytes, site.name))),
        base_unlisted_bytes=_unlisted_bytes(base),
        head_unlisted_bytes=_unlisted_bytes(head),
        notes=tuple(notes),
    )


def program_roots(base: Collection[str], head: Collection[str]) -> tuple[str, str]:
    """Return how the names of the program's files begin on either side: most files are found in both without it.

    >>> program_roots({".cache/a32e9ed/app/store.py", ".cache/a32e9ed/app/old.py"}, {"app/store.py", "app/new.py"})
    ('.cache/a32e9ed/', '')
    """
    votes: Counter[tuple[str, str]] = Counter()
    for one in base:
        for other in head:
            if same := _same_end(one, other):
                votes[one.removesuffix(same), other.removesuffix(same)] += 1
    return max(votes, key=lambda roots: (votes[roots], -sum(map(len, roots)), roots), default=("", ""))


def _same_end(one: str, other: str) -> str:
    """The parts that two paths have in common, counted from their ends; empty where not even the file's name is."""
    parts = itertools.takewhile(
        lambda pair: pair[0] == pair[1],
        zip(reversed(one.split("/")), reversed(other.split("/")), strict=False),
    )
    return "/".join(reversed([part for part, _ in parts]))


def _own_files(record: HeapRecord) -> set[str]:
    return {site.file for site in record.sites if site.origin == "own"}


def _by_function(record: HeapRecord, root: str) -> dict[Site, SiteSide]:
    lines: dict[Site, list[Held]] = defaultdict(list)
    for held in record.sites:
        file = held.file.removeprefix(root)
        place = held.model_copy(update={"file": file, "innermost": held.innermost.removeprefix(root)})
        lines[held.origin, file, held.function].append(place)
    return {
        site: SiteSide(
            sum(line.bytes for line in held),
            sum(line.count for line in held),
            tuple(sorted(held, key=lambda line: (-line.bytes, line.line))),
        )
        for site, held in lines.items()
    }


def _unlisted_bytes(record: HeapRecord) -> int:
    return min(site.bytes for site in record.sites) if record.other_sites and record.sites else 0
