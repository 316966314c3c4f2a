import argparse
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from profiles import backends, doctor
from profiles.doctor_checks import Place
from profiles.errors import EXIT_INCONCLUSIVE, EXIT_OK, OomproofError
from profiles.offer import Offer
from profiles.vm_size import VmSize

VM = VmSize(4096, 2, 0.125)
V1 = Offer("cgroup v1", available=True)
NO_V1 = Offer("cgroup v1", available=False, reason="memory.limit_in_bytes: not root", way_out="Use sudo.")
SCOPE = Offer("systemd scope", available=True, reason="no cpu controller here", way_out="Add Delegate=cpu.")
WATCHDOG = Offer(
    "watchdog", available=True, reason="a program keeps the limit", way_out="See.", emulated=True
)
MACHINE = Offer("machine", available=True, reason="the whole machine is the VM", best=False)


def offering(monkeypatch: pytest.MonkeyPatch, *offers: Offer, chosen: str | None) -> None:
    """Let this machine's backends answer so."""

    def choose(backend: str | None) -> str:
        assert backend is None
        if chosen is None:
            raise OomproofError("no backend")
        return chosen

    monkeypatch.setattr(backends, "offers", lambda: list(offers))
    monkeypatch.setattr(backends, "choose", choose)


def shown(tmp_path: Path, vm: VmSize | None = VM) -> str:
    """What is printed at 80 columns for a machine whose every file is missing."""
    proc, dev, sys, runs = (tmp_path / name for name in ("proc", "dev", "sys", "runs"))
    text = io.StringIO()
    found = doctor.diagnose(vm, Place(proc, dev, sys, runs, finds=lambda _: None))
    doctor.show(found, Console(width=80, file=text))
    return text.getvalue()


def lines_of(text: str, word: str) -> str:
    """The line that begins with the mark and names this row by its first word."""
    return next(line for line in text.splitlines() if line.split()[1:2] == [word])


def test_a_machine_without_any_file_is_told_in_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN neither /proc nor /sys nor /dev THEN every row still stands, each with a mark, none wider than 80."""
    offering(monkeypatch, NO_V1, WATCHDOG, chosen="watchdog")
    text = shown(tmp_path)
    for name in (
        "kernel",
        "pressure",
        "swap",
        "memory",
        "CPU",
        "open",
        "disk",
        "clock",
        "trim",
        "memray",
        "guest",
    ):
        assert lines_of(text, name).split()[0] in {"ok", "better", "missing"}
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_the_backend_that_would_be_used_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN several backends THEN the one in use, what the others lack and the way out are told."""
    offering(monkeypatch, NO_V1, SCOPE, WATCHDOG, MACHINE, chosen="systemd scope")
    text = shown(tmp_path)
    assert lines_of(text, "cgroup").split() == [
        *("missing", "cgroup", "v1"),
        *("Memory.limit_in_bytes:", "not", "root.", "Use", "sudo."),
    ]
    assert "USED HERE." in lines_of(text, "systemd")
    assert lines_of(text, "systemd").startswith("better")
    assert "Emulated." in lines_of(text, "watchdog")
    assert "Only when named." in lines_of(text, "machine")
    assert text.count("USED HERE.") == 1


@pytest.mark.parametrize(
    ("offers", "chosen", "status", "sentence"),
    [
        (
            (V1, WATCHDOG),
            "cgroup v1",
            EXIT_OK,
            "by its own kernel (cgroup v1), whether a server survives on a VM of",
        ),
        ((NO_V1, WATCHDOG), "watchdog", EXIT_INCONCLUSIVE, "only show an emulated kill"),
        ((NO_V1,), None, EXIT_INCONCLUSIVE, "can prove nothing"),
    ],
)
def test_what_can_be_proved_and_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    offers: tuple[Offer, ...],
    chosen: str | None,
    status: int,
    sentence: str,
) -> None:
    """GIVEN a real limit, an emulated one or none THEN the sentence and the exit code say so, also as JSON."""
    offering(monkeypatch, *offers, chosen=chosen)
    asked = argparse.Namespace(json=True, fly_toml=None)
    assert doctor.run(asked, Console()) == status
    found = json.loads(capsys.readouterr().out)
    assert sentence in found["can_prove"]
    assert found["real_limit"] is (status == EXIT_OK)
    assert found["chosen"] == chosen
    assert [row["backend"] for row in found["backends"]] == [offer.backend for offer in offers]
    assert {row["mark"] for row in found["checks"]} <= {"ok", "better", "missing"}


def test_what_is_missing_stands_in_the_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine that is smaller than the VM THEN the sentence says what it first needs."""
    offering(monkeypatch, V1, chosen="cgroup v1")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 2048000 kB\nMemAvailable: 1024000 kB\n")
    assert "once it has what is missing (memory)" in " ".join(shown(tmp_path).split())


def test_a_fly_toml_that_is_asked_for_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN --fly-toml THEN its VM is looked at; a missing one is an error; without it the project's own is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OomproofError, match=r"none\.toml"):
        doctor._vm_size(tmp_path / "none.toml")
    assert doctor._vm_size(None) == VmSize(4096, 2, 0.125)
    (tmp_path / "fly.toml").write_text('[[vm]]\nsize = "shared-cpu-4x"\nmemory = "1gb"\n')
    assert doctor._vm_size(None) == VmSize(1024, 4, 0.25)


def test_this_machine_is_looked_at_for_real(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN this machine THEN the command ends with 0 or 3 and a sentence, whatever the machine is."""
    assert doctor.run(argparse.Namespace(json=False, fly_toml=None), Console(width=80)) in {0, 3}
    assert "This machine can" in capsys.readouterr().out
