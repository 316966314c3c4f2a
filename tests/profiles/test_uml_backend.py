"""Backend `uml` is offered where user-mode-linux is, taken by name only, and for runs and comparisons only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from profiles import backends, uml, uml_backend
from profiles.cli import main
from profiles.errors import EXIT_USAGE, OomproofError

GUEST = "processor\t: 0\nvendor_id\t: User Mode Linux\nmodel name\t: UML\n"


@pytest.fixture
def cpu_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the machine says of its processor: at first, that it is no guest."""
    file = tmp_path / "cpuinfo"
    file.write_text("vendor_id\t: GenuineIntel\n")
    monkeypatch.setattr(uml_backend, "CPU_INFO", file)
    return file


def test_it_is_offered_where_the_program_is(cpu_info: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine with user-mode-linux, one without, and a guest THEN only the one without has no offer."""
    monkeypatch.setattr(uml, "PROGRAM", "sh")
    offer = uml_backend.offer()
    assert offer.available
    assert not offer.best
    assert "not for figures of load" in offer.reason
    monkeypatch.setattr(uml, "PROGRAM", "linux.nowhere")
    offer = uml_backend.offer()
    assert not offer.available
    assert offer.reason == "linux.nowhere: not installed"
    assert offer.way_out == uml.INSTALL
    cpu_info.write_text(GUEST)
    assert uml_backend.offer().available


def test_a_guest_is_known_by_its_processor(cpu_info: Path) -> None:
    """GIVEN /proc/cpuinfo of a guest, of another machine, and none THEN only the first is inside."""
    assert not uml_backend.inside()
    cpu_info.write_text(GUEST)
    assert uml_backend.inside()
    cpu_info.unlink()
    assert not uml_backend.inside()


def test_what_cannot_be_started_again_in_a_guest_is_refused(
    cpu_info: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a machine that is no guest WHEN anything but a run enters the backend THEN it is one line."""
    monkeypatch.setattr(uml, "PROGRAM", "sh")
    with pytest.raises(OomproofError, match="only for oomproof run and compare"):
        backends.enter("uml")
    cpu_info.write_text(GUEST)
    assert backends.enter("uml").backend == "uml"


def test_a_speech_api_elsewhere_cannot_be_reached(cpu_info: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN --upstream WHEN the run is to be in a guest THEN it is refused before anything is started."""
    status = main(["run", "live", "--backend", "uml", "--upstream", "http://127.0.0.1:1/v1"])
    assert status == EXIT_USAGE
    assert "a guest has no network" in capsys.readouterr().err


def test_a_machine_without_it_is_told_how_to_get_it(
    cpu_info: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN no user-mode-linux WHEN a run asks for it THEN it is one line, and no folder is left."""
    monkeypatch.setattr(uml, "PROGRAM", "linux.nowhere")
    assert main(["run", "live", "--backend", "uml", "--out", str(tmp_path / "out")]) == EXIT_USAGE
    assert f"linux.nowhere: not installed. {uml.INSTALL}" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpuinfo"]


def test_results_are_never_overwritten(
    cpu_info: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a folder that holds something WHEN a guest's results are to go there THEN nothing is booted."""
    monkeypatch.setattr(uml, "PROGRAM", "sh")
    assert main(["run", "live", "--backend", "uml", "--out", str(tmp_path)]) == EXIT_USAGE
    assert "is not empty" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpuinfo"]


def test_a_letter_that_comes_in_two_parts_is_printed_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN output that was looked at in the middle of a letter THEN the letter is printed with the next look."""
    said = "made – so\n".encode()  # noqa: RUF001
    (tmp_path / "output.log").write_bytes(said[:6])
    echo = uml_backend._Echo(tmp_path / "output.log")
    echo.print_new()
    (tmp_path / "output.log").write_bytes(said)
    echo.print_new()
    assert capsys.readouterr().out == said.decode()


def test_the_vm_yields_the_cpu_to_its_witnesses(tmp_path: Path) -> None:
    """GIVEN a process that enters the machine's VM THEN it is as nice as can be."""
    program = (
        "import os\nfrom pathlib import Path\nfrom profiles.uml_backend import UmlMachine\n"
        f"folder = Path({str(tmp_path)!r})\n(folder / 'machine').mkdir()\n"
        "UmlMachine('oomproof-1-1', folder).join()\nprint(os.nice(0))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(said) == min(os.nice(0) + 19, 19)
