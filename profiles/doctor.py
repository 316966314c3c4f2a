"""`oomproof doctor`: what this machine can prove, what it lacks, and the way to better."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles import backends
from profiles.doctor_checks import Check, Mark, Place, checks
from profiles.errors import EXIT_INCONCLUSIVE, EXIT_OK, OomproofError
from profiles.offer import Offer
from profiles.vm_size import VmSize, fly_toml_here, read_fly_toml

EXAMPLES = """examples:
  oomproof doctor                     what this machine can prove, and what it lacks
  oomproof doctor --fly-toml my.toml  for the VM of that file
  oomproof doctor --json              the same, for a program

marks: ok; better (it goes without, and would be better with); missing (it does not go without)

exit codes: 0 the kernel keeps the limit, 2 wrong use, 3 only an emulated limit, or none, can be had here"""
_STYLES: dict[Mark, str] = {"ok": "green", "better": "yellow", "missing": "red"}


@dataclass(frozen=True)
class Diagnosis:
    """What was found: the backends' answers, the one that would be used (None: none can), and the checks."""

    offers: Sequence[Offer]
    chosen: Offer | None
    vm: VmSize | None
    checks: Sequence[Check]

    @property
    def is_real(self) -> bool:
        """Whether it is the kernel that would keep the limit."""
        return self.chosen is not None and not self.chosen.emulated

    @property
    def can_prove(self) -> str:
        """What this machine can prove, in one sentence."""
        if self.chosen is None:
            return "This machine can prove nothing: no backend can make a VM here."
        if not self.is_real:
            return (
                "This machine can only show an emulated kill, by a watchdog: how a server grows and about when it "
                "would die, not that a kernel kills it."
            )
        size = "a VM" if self.vm is None else f"a VM of {self.vm.memory_mb:,} MB"
        missing = [check.name for check in self.checks if check.mark == "missing"]
        but = f", once it has what is missing ({', '.join(missing)})" if missing else ""
        return (
            f"This machine can prove, with kills by its own kernel ({self.chosen.backend}), whether a server "
            f"survives on {size}{but}."
        )


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="say what this machine can prove, and what it lacks",
        description="Looks at this machine: which backend makes a VM here, and what else measuring wants.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for a program")
    parser.add_argument(
        "--fly-toml", type=Path, help="where [[vm]] is read from (default: fly.toml here, else the project's)"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Look, show, and return the exit code.

    Raises:
        OomproofError: the file given with --fly-toml cannot be used.
    """
    found = diagnose(_vm_size(chosen.fly_toml))
    if chosen.json:
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        show(found, console)
    return EXIT_OK if found.is_real else EXIT_INCONCLUSIVE


def diagnose(vm: VmSize | None, place: Place | None = None) -> Diagnosis:
    """Return what this machine offers and lacks for a VM of that size."""
    offers = backends.offers()
    try:
        name = backends.choose(None)
    except OomproofError:
        name = None
    used = next((offer for offer in offers if offer.backend == name), None)
    where = place or Place(is_root=os.geteuid() == 0)
    return Diagnosis(offers, used, vm, checks(where, vm, name))


def show(found: Diagnosis, console: Console) -> None:
    """Print it; reads at 80 columns, and without colour."""
    _print(
        "What makes a VM here",
        ((_mark(offer), offer.backend, _says(offer, found)) for offer in found.offers),
        console,
    )
    rows = ((c.mark, c.name, f"{c.says}. {c.way_out}".strip()) for c in found.checks)
    _print("What else measuring wants", rows, console)
    console.print(Text(found.can_prove, style="bold"))


def as_json(found: Diagnosis) -> dict[str, object]:
    """Return all of it for a program."""
    return {
        "can_prove": found.can_prove,
        "real_limit": found.is_real,
        "chosen": None if found.chosen is None else found.chosen.backend,
        "vm": None if found.vm is None else asdict(found.vm),
        "backends": [{**asdict(offer), "mark": _mark(offer)} for offer in found.offers],
        "checks": [asdict(check) for check in found.checks],
    }


def _vm_size(fly_toml: Path | None) -> VmSize | None:
    if fly_toml is not None:
        return read_fly_toml(fly_toml)
    try:
        return read_fly_toml(fly_toml_here())
    except OomproofError:
        return None


def _mark(offer: Offer) -> Mark:
    if not offer.available:
        return "missing"
    return "better" if offer.emulated or offer.reason else "ok"


def _says(offer: Offer, found: Diagnosis) -> str:
    parts = [
        "USED HERE." if found.chosen is not None and offer.backend == found.chosen.backend else "",
        "Only when named." if offer.available and not offer.best else "",
        "Emulated." if offer.available and offer.emulated else "",
        offer.text[:1].upper() + offer.text[1:],
    ]
    return " ".join(part for part in parts if part) or "Could be used."


def _print(title: str, rows: Iterable[tuple[Mark, str, str]], console: Console) -> None:
    console.print(Text(title, style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 1))
    table.add_column(no_wrap=True, min_width=7)
    table.add_column(no_wrap=True, min_width=13)
    table.add_column(overflow="fold")
    for mark, name, says in rows:
        table.add_row(Text(mark, style=_STYLES[mark]), Text(name), Text(says))
    console.print(table)
    console.print()
