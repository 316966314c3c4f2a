"""The page of the gate's operating characteristic: every figure on it is in its JSON, and the runs alone make both."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gate_page, gate_simulation
from benchmarks.gate import Effect
from benchmarks.gate_characteristic import Gates, characteristic, rounded
from benchmarks.gate_markdown import markdown, sentences
from benchmarks.gate_page import main, write
from benchmarks.gate_plot import power_figure
from benchmarks.gate_runs import read
from profiles.errors import EXIT_OK, EXIT_USAGE
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable

EFFECTS = [Effect("hold", 2), Effect("hold", 8), Effect("leak", 64), Effect("burst", 16)]
FEW = Gates(equal=6, regressed=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of believable runs, one killed, with whole gates among them."""
    lines = list(believable(3, 9, EFFECTS))
    for run in lines[24:36]:
        run["of"] = "gate-1"
    lines[-1]["verdict"] = "oom_killed"
    lines.append(gate_files.line("pair-7", "base", 0))
    found = gate_files.write(tmp_path_factory.mktemp("gate"), lines, notes=["Other work was done beside it."])
    (found / "gates.jsonl").write_text(
        '{"of": "gate-1", "exit_code": 0, "word": "pass", "took_s": 118.2}\n', encoding="utf-8"
    )
    return found


@pytest.fixture(scope="module")
def value(folder: Path) -> dict[str, Any]:
    """The figures of that folder, of few simulated gates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate_simulation, "REDRAWN_RUNS", 3)
        patch.setattr(gate_simulation, "GATES_EACH", 3)
        return characteristic(read(folder), FEW, workers=0)


def test_every_way_effect_and_number_of_runs_is_there(value: dict[str, Any]) -> None:
    """GIVEN three pairs and nine runs an effect THEN gates of all sizes that these make are simulated."""
    assert {(row["way"], row["runs"]) for row in value["equal_sides"]} == {
        (way, runs) for way in ("relabelled", "pooled", "stored") for runs in (4, 5, 6, 7, 8, 10)
    }
    found = {(row["effect"], row["runs"]) for row in value["power"]}
    assert found == {(effect.name, runs) for effect in EFFECTS for runs in (4, 5, 6, 7, 8)}
    assert {row["runs"] for row in value["power"] if row["bounds"]} == {6}
    assert all(row["gates"] == FEW.equal for row in value["equal_sides"])


def test_pairs_and_whole_gates_are_counted_together_and_apart(value: dict[str, Any]) -> None:
    """GIVEN pairs of two commands THEN all and each kind have their words; what was said is kept beside."""
    assert {kind: found["pass"]["of"] for kind, found in value["real"].items()} == {
        "all": 3,
        "pair": 2,
        "gate": 1,
    }
    assert [gate["word"] for gate in value["whole_gates"]] == ["pass"]
    assert value["conditions"]["left_out"] == ["pair-7"]
    assert value["conditions"]["verdicts"] == {"survived": 36 + 4 * 9 - 1, "oom_killed": 1}


def test_one_kind_of_pairs_is_told_once(tmp_path: Path) -> None:
    """GIVEN pairs of one command alone THEN there is no second row of the same; and without effects no picture."""
    found = characteristic(read(gate_files.write(tmp_path, list(believable(2, 0)))), Gates(2, 2), workers=0)
    assert list(found["real"]) == ["all"]
    write(found, tmp_path)
    assert not (tmp_path / "power.svg").exists()
    assert "power.svg" not in (tmp_path / "characteristic.md").read_text(encoding="utf-8")


def test_the_page_has_every_part_and_its_figures(value: dict[str, Any]) -> None:
    """GIVEN figures THEN each part is on the page, with what was found, and the notes before everything."""
    page = markdown(value)
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "What was asked for", "Identical pairs, as measured", "False alarms, simulated",
        "Power, simulated, 6 runs a side", "Power by the number of runs", "How true an effect's size is measured",
        "How runs of one state differ", "A busy machine", "Conditions", "What these numbers cannot tell",
    ]  # fmt: skip
    assert "> **Note:** Of 72 runs 1 oom\\_killed." in page
    assert "> **Note:** Other work was done beside it." in page
    assert "Not whole, and left out: pair-7." in page
    assert "1 of them are whole commands" in page
    assert "118 s each (median), 118 s at most" in page
    assert "| hold-8 | 0 % | 0 % | 100 % | 100 % | 100 % |" in page
    assert "3 pairs with 2 at once" not in page.partition("## Conditions")[0]
    assert all(sentence in page for sentence in sentences(value))


def test_a_pair_that_did_not_pass_is_named_with_its_reasons(tmp_path: Path) -> None:
    """GIVEN a pair whose head was killed THEN the page says which, on how busy a machine, and why."""
    lines = list(believable(2, 0))
    lines[6]["verdict"], lines[6]["host_psi_some"] = "oom_killed", 77.0
    page = markdown(characteristic(read(gate_files.write(tmp_path, lines)), Gates(9, 1), workers=0))
    assert "- pair-1 (waited for memory: 77 %): regressed: budget not kept" in page
    assert "not passed for: budget broken" in page


def test_the_page_is_made_of_the_json_alone(value: dict[str, Any], tmp_path: Path) -> None:
    """GIVEN the figures as they are in the file THEN they make the same page, and the same picture twice."""
    write(value, tmp_path)
    again = json.loads((tmp_path / "characteristic.json").read_text(encoding="utf-8"))
    assert markdown(again) == (tmp_path / "characteristic.md").read_text(encoding="utf-8") == markdown(value)
    drawn = (tmp_path / "power.svg").read_text(encoding="utf-8")
    write(again, tmp_path)
    assert drawn == (tmp_path / "power.svg").read_text(encoding="utf-8")


def _points(axes: Any) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


def test_the_picture_marks_what_is_asked_for(value: dict[str, Any]) -> None:
    """GIVEN three kinds of effects THEN each has a panel, from no effect on, and two have a required size to mark."""
    panels = power_figure(value).axes
    assert [axes.get_title("left") for axes in panels] == [
        "Held from the start", "Leaked by each session", "Held for half a second",
    ]  # fmt: skip
    assert [list(axes.get_xticks()) for axes in panels] == [[0, 2, 8], [0, 64], [0, 16]]
    uprights = [[x[0] for x, y in _points(axes) if x[0] == x[-1] and y == [0, 1]] for axes in panels]
    assert uprights == [[8, 4], [64, 32], []]


def test_the_picture_needs_no_simulation_of_equal_sides(value: dict[str, Any]) -> None:
    """GIVEN no gates on equal sides THEN the curves begin with the smallest effect."""
    panels = power_figure({**value, "equal_sides": []}).axes
    assert [list(axes.get_xticks()) for axes in panels] == [[2, 8], [64], [16]]


def test_the_command_writes_everything_and_says_the_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a folder of runs THEN the page lies beside them, and its sentences are printed."""
    monkeypatch.setattr(gate_simulation, "REDRAWN_RUNS", 2)
    monkeypatch.setattr(gate_simulation, "GATES_EACH", 2)
    few = ["--equal", "2", "--regressed", "2", "--workers", "0"]
    assert main(["--out", str(folder), *few]) == EXIT_OK
    names = {"characteristic.json", "characteristic.md", "power.svg", "power.png"}
    assert names <= {path.name for path in folder.iterdir()}
    assert "Of 3 gates on equal states, as measured, 3 passed and 0 said regressed" in capsys.readouterr().out


def test_the_docs_are_renewed_where_the_published_runs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN the folder of what is published THEN the docs that quote it have its sentences too; else they stay."""
    gate_files.write(tmp_path, list(believable(2, 0)))
    docs = tmp_path / "docs.md"
    docs.write_text("<!--gate sentences-->\nold\n<!--/gate-->\n", encoding="utf-8")
    monkeypatch.setattr(gate_page, "DOCS", docs)
    arguments = ["--out", str(tmp_path), "--equal", "1", "--regressed", "1", "--workers", "0"]
    assert main(arguments) == EXIT_OK
    assert "old" in docs.read_text(encoding="utf-8")
    monkeypatch.setattr(gate_page, "FOLDER", tmp_path)
    assert main(arguments) == EXIT_OK
    assert "- Of 2 gates on equal states" in docs.read_text(encoding="utf-8")


def test_processes_compute_what_one_does(folder: Path) -> None:
    """GIVEN two processes THEN the figures are those of one alone."""
    measured = read(gate_files.write(folder / "less", list(believable(2, 0))))
    assert characteristic(measured, Gates(3, 1), workers=2) == characteristic(
        measured, Gates(3, 1), workers=0
    )


def test_a_folder_without_runs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN an empty folder THEN one line says what is missing."""
    assert main(["--out", str(tmp_path)]) == EXIT_USAGE
    assert "runs.jsonl: No such file" in capsys.readouterr().err


def test_no_gates_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN no gates to simulate THEN that is wrong use."""
    with pytest.raises(SystemExit) as ended:
        main(["--equal", "0"])
    assert ended.value.code == EXIT_USAGE
    assert "give at least 1" in capsys.readouterr().err


def test_numbers_are_what_json_knows() -> None:
    """GIVEN numbers of any kind THEN none is longer than five digits after the point, and none is no number."""
    assert rounded({"a": [1 / 3, float("nan")], "b": (2, "x", True)}) == {
        "a": [0.33333, None],
        "b": [2, "x", True],
    }
