from pathlib import Path

import pytest

from profiles import cli
from profiles.attach import last_sample
from profiles.attach_command import seconds_of
from profiles.errors import OomproofError
from profiles.run_folder import SAMPLE_COLUMNS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400), ("0.5s", 0.5), (" 10M ", 600)],
)
def test_a_time_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    """GIVEN a time THEN its seconds."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "10 minutes", "1x", "m", "nan", "inf", "1m30s"])
def test_what_is_no_time_is_one_line(text: str) -> None:
    """GIVEN something else THEN the line names it and shows one."""
    with pytest.raises(OomproofError, match=r"^--for .*: no time\. Give one such as 90s, 10m or 2h\.$"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--pid", "0"], "--pid 0: no such process"),
        (["--pid", "1", "--for", "soon"], "--for 'soon': no time"),
        (["--cgroup", "/no/such/group"], "--cgroup /no/such/group: no such group"),
        (["--pid", "1", "--header", "A: b"], "--header: only a --url is asked"),
        (["--pid", "1", "--metrics", "/m"], "--metrics: only a --url is asked"),
        (["--url", "nowhere"], "--url nowhere: no http(s) address"),
        (["--url", "http://127.0.0.1:9", "--metrics", "x"], "--metrics 'x': no path"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN what cannot be watched THEN one line, exit code 2, and no folder was made."""
    assert cli.main(["attach", *arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN nobody at the address THEN one line, exit code 4, and no folder was made."""
    assert cli.main(["attach", "--url", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]) == 4
    assert "refused" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["--pid", "1", "--cgroup", "/a"], ["--url", "http://x", "--container", "c"]]
)
def test_one_thing_is_watched(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN nothing to watch, or two things THEN wrong use."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["attach", *arguments])
    assert caught.value.code == 2
    assert "--pid" in capsys.readouterr().err


def test_what_is_shown_is_the_last_whole_sample(tmp_path: Path) -> None:
    """GIVEN samples, the last one half written THEN the one before it; GIVEN none THEN nothing."""
    path = tmp_path / "samples.csv"
    assert last_sample(tmp_path) == {}
    heading = ",".join(SAMPLE_COLUMNS) + "\n"
    path.write_text(heading)
    assert last_sample(tmp_path) == {}
    path.write_text(heading + "1,2\n" * 3000 + "7,8\n9,")
    row = last_sample(tmp_path)
    assert (row["t"], row["vm_bytes"]) == ("7", "8")
