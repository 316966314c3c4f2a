from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from profiles.comparison import Comparison, compare
from profiles.report_conditions import condition_rows, warnings
from profiles.run_folder import RunFolder

MakeRun = Callable[..., Path]


def compared(*folders: Path) -> Comparison:
    """The comparison of these runs."""
    return compare([RunFolder(folder) for folder in folders])


def test_every_condition_is_stated_once_when_shared(synthetic_runs: list[Path]) -> None:
    """Readers, pace and what it means at pace 1, VM, CPU, document, machine and versions stand there."""
    rows = dict(condition_rows(compared(*synthetic_runs)))
    assert rows["Readers"] == (
        "32 at pace 5 (asks the server for the work of 160 at pace 1); 8 chapters of about 20 blocks, seed 1",
    )
    assert rows["Session"] == ("600 s of reading, 120 s by the clock",)
    assert rows["VM"] == ("4,096 MB, 2 vCPUs, made with cgroup v1",)
    assert rows["CPU"] == ("12.5% of one core once the balance is spent; 500 s of balance at the start",)
    assert rows["Document"] == (f"184 pages, SHA-256 {'5e' * 32}",)
    assert rows["Machine"] == ("Invented CPU, 2 CPUs, 24,105 MB of memory, Linux 6.1, Python 3.11",)
    assert rows["Versions"] == ("oomproof 0.1.0, faster-whisper 1.2.1",)
    assert rows["Behaviour"] == ("steady",)
    assert rows["Load generator"] == ("1 process",)
    assert rows["Speech upstream"] == ("the project's own stand-in, answers after 2-5 s, divided by pace 5",)
    assert rows["Upstream's faults"] == ("none",)


def test_a_share_that_was_not_kept_and_swap_are_stated(make_run: MakeRun) -> None:
    """GIVEN a VM whose CPU was not limited, with swap THEN the conditions say so instead of a share."""
    rows = dict(condition_rows(compared(make_run("cached", vm_cpu_limited=False, vm_swap_mb=512.0))))
    assert rows["CPU"] == ("not limited: the VM had this machine's CPUs",)
    assert rows["VM"] == ("4,096 MB and 512 MB of swap, 2 vCPUs, made with cgroup v1",)


def test_what_differs_on_purpose_is_named_for_each(synthetic_runs: list[Path]) -> None:
    """Server settings are what a comparison changes: they are shown, without a warning."""
    comparison = compared(*synthetic_runs)
    assert dict(condition_rows(comparison))["Server settings"] == (
        "live: as deployed",
        "cached-to-the-letter: as deployed",
        "cached: ALIGNERS=1",
    )
    assert warnings(comparison) == []


def test_unequal_loads_are_warned_of(make_run: MakeRun) -> None:
    """A comparison of unlike sides says which conditions differ."""
    comparison = compared(make_run("live", readers=8), make_run("cached", document_sha256="ab" * 32))
    assert warnings(comparison) == [
        "The scenarios do not share these conditions, so compare with care: Readers, Document."
    ]


def test_pregeneration_has_no_readers_to_differ(make_run: MakeRun) -> None:
    """A scenario without readers is not blamed for their number."""
    made = make_run("pregenerate", load_kind="pregenerate", readers=1)
    assert warnings(compared(made, make_run("cached"))) == []


def test_a_heap_capture_is_a_condition(make_run: MakeRun) -> None:
    """Figures taken under memray say so."""
    folder = make_run("live")
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "memray": True}))
    assert "memray" in dict(condition_rows(compared(folder)))["Heap"][0]


def test_an_empty_run_file_leaves_dashes(make_run: MakeRun) -> None:
    """A run cut off before its conditions were written can still be reported."""
    folder = make_run("live")
    (folder / "run.json").unlink()
    rows = dict(condition_rows(compared(folder)))
    assert rows["Machine"] == ("–",)  # noqa: RUF001 - an en dash
    assert rows["VM"] == ("4,096 MB, 2 vCPUs, made with cgroup v1",)


def test_people_and_faults_that_differ_are_warned_of(make_run: MakeRun) -> None:
    """Restless readers or a failing upstream are another load: a comparison with them says so."""
    faulty = make_run("live", mix="steady=3,restless=1", upstream_faults=["429=0.1", "503@30-60"])
    comparison = compared(faulty, make_run("cached"))
    rows = dict(condition_rows(comparison))
    assert rows["Behaviour"] == ("live: steady=3,restless=1", "cached: steady")
    assert rows["Upstream's faults"] == ("live: 429=0.1, 503@30-60", "cached: none")
    assert warnings(comparison)[0].endswith("Behaviour, Upstream's faults.")


def test_an_older_run_names_no_behaviour(make_run: MakeRun) -> None:
    """What a run did not know of itself is left out, not guessed."""
    old = dict.fromkeys(("mix", "load_processes", "upstream_latency", "upstream_faults"))
    rows = dict(condition_rows(compared(make_run("cached", **old))))
    assert not {"Behaviour", "Load generator", "Upstream's faults"} & rows.keys()
    assert rows["Speech upstream"] == ("the project's own stand-in",)
