"""The tables of the report of the options: an option and a balance a row, the lowest and highest of its repetitions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.options_figures import BESIDE, HOST_PSI, OTHERS
from benchmarks.options_words import Entry, cell, named, verdicts, victims
from profiles.heap_text import Section
from profiles.report_text import NONE, number

_SAID_OF_ENDS = "A killed run is over once its server was started again and has served a block."
_SAID_OF_MEMORY = (
    "Lowest to highest of the repetitions. RSS counts a page that processes share once for each of them, so the tree's "
    "can lie above the VM's limit. VM is all that the limit counts, page cache too, which goes before any is killed."
)
_SAID_OF_FELT = (
    "Lowest to highest of the repetitions; of a killed run the time until its end only. A stall is a block that came "
    "too late. Host PSI: the highest share of 10 s in which some process of the machine, inside the VM or outside, "
    "waited for memory. Runs beside: of these options, at once on the same cores. Others: what all but the VM, its "
    "load and the recorder used of the cores; the speech upstream's stand-in and runs beside are in it."
)


def sections(result: Mapping[str, Any]) -> list[Section]:
    """Return the three tables: how it ended, memory, and what the listeners and the CPU felt."""
    entries: Sequence[Entry] = result["options"]
    if not entries:
        return []
    return [
        _table("How each option ended", _ENDS, entries, _SAID_OF_ENDS),
        _table("Memory at its peak, MB", _MEMORY, entries, _SAID_OF_MEMORY),
        _table("What the listeners and the CPU felt", _FELT, entries, _SAID_OF_FELT),
    ]


Columns = Sequence[tuple[str, Callable[[Entry], str]]]


def _table(title: str, columns: Columns, entries: Sequence[Entry], said: str) -> Section:
    shown = (*_WHICH, *columns)
    rows = tuple(tuple(told(entry) for _, told in shown) for entry in entries)
    return Section(title, (said,), tuple(name for name, _ in shown), rows)


def _figure(name: str, digits: int = 0) -> Callable[[Entry], str]:
    return lambda entry: cell(entry, name, digits=digits)


def _under_budget(entry: Entry) -> str:
    peak, budget_mb = entry["figures"].get("peak_tree_rss_mb"), entry["budget_mb"]
    if peak is None or budget_mb is None:
        return NONE
    kept = sum(value < budget_mb for value in peak["values"])
    return f"{kept} of {len(peak['values'])}"


_WHICH: Columns = (
    ("option", named),
    ("balance", lambda entry: f"{entry['balance_s']:g} s"),
)
_ENDS: Columns = (
    ("in the plan", lambda entry: str(entry["plan"])),
    ("end", verdicts),
    ("who was killed", victims),
)
_MEMORY: Columns = (
    ("limit", lambda entry: number(entry["vm_memory_mb"])),
    ("VM", _figure("peak_vm_mb")),
    ("anonymous", _figure("peak_anon_mb")),
    ("RSS, process tree", _figure("peak_tree_rss_mb")),
    ("of it the server", _figure("peak_server_rss_mb")),
    ("children", _figure("peak_children")),
    ("tree under 2 GB", _under_budget),
)
_FELT: Columns = (
    ("stalls", _figure("stalls")),
    ("first audio p50, ms", _figure("first_audio_p50_ms")),
    ("chunk p95, ms", _figure("chunk_p95_ms")),
    ("CPU, s", _figure("cpu_s", 1)),
    ("throttled, s", _figure("throttled_s", 1)),
    ("host PSI, %", _figure(HOST_PSI, 1)),
    ("runs beside", _figure(BESIDE)),
    ("others, cores", _figure(OTHERS, 2)),
)
