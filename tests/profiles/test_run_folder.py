from __future__ import annotations

from pathlib import Path

import pytest

from profiles.run_folder import REQUEST_COLUMNS, SAMPLE_COLUMNS, LoadSample, RunFolder, RunFolderError


def test_an_empty_folder_reads_as_empty(tmp_path: Path) -> None:
    """What a run never wrote is empty, and no error."""
    folder = RunFolder(tmp_path)
    assert (folder.run, folder.samples, folder.requests, folder.events, folder.verdict) == (
        {},
        (),
        (),
        (),
        {},
    )
    assert folder.time_zero_s is None


def test_every_column_comes_back_under_its_name(tmp_path: Path) -> None:
    """A value stands in the field that the header names, whatever the columns' order."""
    order = list(reversed(SAMPLE_COLUMNS))
    values = {column: float(number) for number, column in enumerate(SAMPLE_COLUMNS, start=1)}
    lines = [",".join(order), ",".join(str(values[column]) for column in order)]
    (tmp_path / "samples.csv").write_text("\n".join(lines) + "\n")
    sample = RunFolder(tmp_path).samples[0]
    assert {column: getattr(sample, column) for column in SAMPLE_COLUMNS} == values


def test_an_empty_cell_is_none_and_not_zero(tmp_path: Path) -> None:
    """What could not be measured is not taken for nothing."""
    cells = ["12.5", *("" for _ in SAMPLE_COLUMNS[1:])]
    (tmp_path / "samples.csv").write_text(",".join(SAMPLE_COLUMNS) + "\n" + ",".join(cells) + "\n")
    sample = RunFolder(tmp_path).samples[0]
    assert sample.t == 12.5
    assert all(getattr(sample, column) is None for column in SAMPLE_COLUMNS[1:])


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_line_cut_off_anywhere_is_left_out(tmp_path: Path, cut: int) -> None:
    """GIVEN a last line without its newline, even one that still parses, THEN only whole lines count."""
    whole = ",".join(REQUEST_COLUMNS) + "\n1.5,r1,chunk,200,513000,0.008,0.001,\n"
    (tmp_path / "requests.csv").write_text(whole + "2.5,r1,tts,200,51"[:cut])
    requests = RunFolder(tmp_path).requests
    assert [(request.t, request.kind, request.status, request.bytes) for request in requests] == [
        (1.5, "chunk", 200, 513000)
    ]


def test_a_cut_off_event_is_left_out(tmp_path: Path) -> None:
    """The kill before the crash is read although the line after it is half."""
    (tmp_path / "events.jsonl").write_text('{"t": 3.5, "event": "oom_kill", "role": "server"}\n{"t": 4, "ev')
    (event,) = RunFolder(tmp_path).events
    assert (event.t, event.event, event.text("role"), event.text("pid")) == (3.5, "oom_kill", "server", "")


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("samples.csv", "t,vm_bytes\n1,2\n1,two\n3,4\n", "samples.csv:3: .*two"),
        ("events.jsonl", '{"t": 1, "event": "ready"}\nnonsense\n', "events.jsonl:2"),
        ("events.jsonl", '{"t": 1}\n', "events.jsonl:1: 'event'"),
        ("verdict.json", "[]", "verdict.json: holds a list"),
        ("run.json", '{"scenario"', "run.json: not JSON"),
    ],
)
def test_what_no_run_writes_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, place: str
) -> None:
    """A file damaged inside is an error that names file and line."""
    (tmp_path / name).write_text(text)
    folder = RunFolder(tmp_path)
    with pytest.raises(RunFolderError, match=place):
        _ = (folder.samples, folder.events, folder.verdict, folder.run)


def test_a_line_that_lost_a_cell_is_refused(tmp_path: Path) -> None:
    """A line with fewer cells than columns would put a value under another name."""
    (tmp_path / "requests.csv").write_text(
        ",".join(REQUEST_COLUMNS) + "\n1,0,chunk,200,5,1,0\n2,0,chunk,200,5,1,0,\n"
    )
    with pytest.raises(RunFolderError, match=r"requests\.csv:2: 7 cells under 8 columns"):
        _ = RunFolder(tmp_path).requests


@pytest.mark.parametrize("heading", ["t;kind;status", "time,kind,status", "1.5,visit,200", "\x01\x02"])
def test_a_file_without_a_heading_is_refused_with_the_way_out(tmp_path: Path, heading: str) -> None:
    """GIVEN rows of a load of somebody's own under no heading, or another THEN one line shows how it begins."""
    (tmp_path / "requests.csv").write_text(f"{heading}\n1.5,visit,200\n")
    with pytest.raises(RunFolderError) as caught:
        _ = RunFolder(tmp_path).requests
    assert f"requests.csv:1: {heading!r}: no heading with a column 't'. Begin with one" in str(caught.value)


def test_a_column_that_an_older_run_lacks_is_empty(tmp_path: Path) -> None:
    """What the file has no column for is not measured, in whatever order the others stand."""
    (tmp_path / "generator.csv").write_text("readers,t,process\n4,1.5,2\n\n")
    assert RunFolder(tmp_path).generator == (LoadSample(t=1.5, process="2", readers=4.0),)


def test_the_load_of_a_run_cut_off_ends_with_its_last_sample(tmp_path: Path) -> None:
    """What never ended is judged up to where it was seen."""
    (tmp_path / "samples.csv").write_text("t,vm_bytes\n7,1\n8,1\n")
    assert RunFolder(tmp_path).load_span == (7, 8)
    (tmp_path / "events.jsonl").write_text(
        '{"t": 7.5, "event": "load_started"}\n{"t": 9, "event": "load_ended"}\n'
    )
    assert RunFolder(tmp_path).load_span == (7.5, 9)


def test_time_zero_is_the_start_of_the_load(tmp_path: Path) -> None:
    """Charts begin with the load; before any load, with the first sample."""
    (tmp_path / "samples.csv").write_text("t,vm_bytes\n7,1\n8,1\n")
    assert RunFolder(tmp_path).time_zero_s == 7
    (tmp_path / "events.jsonl").write_text('{"t": 7.5, "event": "load_started"}\n')
    assert RunFolder(tmp_path).time_zero_s == 7.5
