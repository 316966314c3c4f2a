"""A guest runs a command, says how it ended, keeps its hands off the host, and always ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from profiles import uml
from profiles.errors import OomproofError, RunError
from profiles.uml import CACHE, Guest, boot
from tests.system.uml.guests import GUEST_WITHIN_S, ROOT, InGuest

pytestmark = pytest.mark.slow

OWNER = """
import sys
from pathlib import Path
from profiles.uml import Guest, boot
boot(["sh", "-c", "while :; do :; done"], Guest(Path(sys.argv[1]), 128, 300.0))
"""


def processes_of(folder: Path) -> list[psutil.Process]:
    """The host's processes that carry a guest of this folder: its kernel, and one for each process in it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and f"uml_dir={folder}/" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_command_sees_the_hosts_files_and_writes_only_where_it_may(in_guest: InGuest, folder: Path) -> None:
    """GIVEN a guest WHEN it writes THEN its own folder takes it, the project does not, and /tmp is not the host's."""
    place = ROOT / "written-by-a-guest"
    mark = Path("/tmp") / f"written-by-a-guest-{os.getpid()}"
    script = f'pwd; touch "{place}"; touch {mark} && test -e {mark} && echo own; echo 1 >"{folder}/mine"'
    printed = in_guest("sh", "-c", script)
    assert printed.splitlines()[0] == str(ROOT)
    assert "Read-only file system" in printed
    assert "own" in printed
    assert (folder / "mine").read_text() == "1\n"
    assert not place.exists()
    assert not mark.exists()
    assert not processes_of(folder)


def test_what_a_command_needs_of_tmp_is_there_and_cannot_be_written(
    in_guest: InGuest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN work in a folder of /tmp, and a book there THEN a guest reads both, and writes neither."""
    with tempfile.TemporaryDirectory(dir="/tmp") as work, tempfile.NamedTemporaryFile(dir="/tmp") as book:
        monkeypatch.chdir(work)
        Path("here").write_text("here\n")
        Path(book.name).write_text("a book\n")
        guest = Guest(folder, 128, GUEST_WITHIN_S, cache=ROOT / CACHE)
        script = 'cat here "$1"; ls /tmp; touch new "$1"; touch /tmp/new'
        assert boot(["sh", "-c", script, "sh", book.name], guest) == 0
        printed = guest.output.read_text()
        assert printed.startswith("here\na book\n")
        assert printed.count("Read-only file system") == 2
        assert len(printed.splitlines()) < 2 + 2 + 5  # what else lies in the host's /tmp is not there
        assert not Path("new").exists()
    assert not Path("/tmp/new").exists()


def test_registers_survive_a_guests_switches_between_processes(in_guest: InGuest) -> None:
    """GIVEN several processes and threads that compute at once THEN each has the sums that one alone has here."""
    script = Path(__file__).with_name("guest_sums.py")
    # No environment, as in a guest: OPENBLAS_CORETYPE, say, would give other digits here than there.
    here = subprocess.run([sys.executable, script], env={}, capture_output=True, text=True, check=True).stdout
    assert len(here.splitlines()) == 3
    assert in_guest(sys.executable, script) == here


@pytest.mark.usefixtures("in_guest")
def test_the_commands_status_is_brought_out_of_a_folder_with_spaces(tmp_path: Path) -> None:
    """GIVEN a folder with a space in its name WHEN a command ends with status 7 THEN so does the guest."""
    guest = Guest(tmp_path / "a guest", 128, 120.0)
    assert boot(["sh", "-c", "echo $GREETING; exit 7"], guest, {"GREETING": "a greeting"}) == 7
    assert guest.output.read_text() == "a greeting\n"


@pytest.mark.usefixtures("in_guest")
def test_a_guest_that_takes_too_long_is_ended_whole(folder: Path) -> None:
    """GIVEN a command that never ends WHEN its time is over THEN nothing of the guest is left, and it is one line."""
    with pytest.raises(RunError, match=r"not done within 3 s.*console\.log"):
        boot(["sh", "-c", "sleep 600 & while :; do :; done"], Guest(folder, 128, 3.0))
    assert not processes_of(folder)


@pytest.mark.usefixtures("in_guest")
def test_a_guest_whose_kernel_gives_up_is_told_in_one_line(folder: Path) -> None:
    """GIVEN a first process that ends WHEN the guest's kernel panics THEN that is the error, without waiting."""
    init = folder / "init.sh"
    init.write_text("exit 3\n")
    with pytest.raises(RunError, match=r"user-mode-linux: .*console\.log"):
        boot(["true"], Guest(folder, 128, 60.0, init=init))
    assert "Kernel panic" in (folder / "console.log").read_text(errors="replace")
    assert not processes_of(folder)


@pytest.mark.usefixtures("in_guest")
def test_a_guest_does_not_outlive_who_booted_it(folder: Path) -> None:
    """GIVEN a guest at work WHEN its owner is killed with SIGKILL THEN all its processes end, stopped ones too."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while len(processes_of(folder)) < 4:  # the kernel, its helpers, and a process inside
            assert owner.poll() is None
            assert time.monotonic() < deadline, "it did not boot"
            time.sleep(0.05)
        guest = processes_of(folder)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert psutil.wait_procs(guest, timeout=30)[1] == []
    assert not processes_of(folder)


def test_a_machine_without_user_mode_linux_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN no linux.uml WHEN a guest is asked for THEN it is one line with the command that installs it."""
    monkeypatch.setattr(uml, "PROGRAM", "linux.nowhere")
    with pytest.raises(
        OomproofError, match=r"linux\.nowhere: not installed\. apt-get install user-mode-linux"
    ):
        boot(["true"], Guest(tmp_path, 128, 10.0))
