"""The plugin as somebody else's suite has it: pytest as a process, with real servers that keep a budget or do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest

from profiles.memory_budget_limits import NAMES

pytestmark = pytest.mark.slow

SERVER = dedent(
    """
    import http.server, os, subprocess, sys

    CHILD = "held = bytearray(b'x') * (60 << 20); print(flush=True); input()"
    held = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/leak":
                held.append(bytearray(b"x") * (64 << 10))
            if self.path == "/peak":
                len(bytearray(b"x") * (80 << 20))
            if self.path == "/child":
                pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
                held.append(subprocess.Popen([sys.executable, "-S", "-c", CHILD], **pipes))
                held[-1].stdout.readline()
            if self.path == "/die":
                os._exit(3)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """
)

CONFTEST = dedent(
    """
    import http.client, subprocess, sys, time
    import pytest

    class Server:
        def __init__(self, process):
            self.process, self.pid = process, process.pid
            self.port = int(process.stdout.readline())

        def get(self, path):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()

        def get_until_known(self, path, watch):
            self.get(path)
            samples = watch.samples
            while watch.samples < samples + 5:
                time.sleep(0.01)

    @pytest.fixture
    def server():
        with subprocess.Popen([sys.executable, "-S", "server.py"], stdout=subprocess.PIPE) as process:
            yield Server(process)
            process.kill()
    """
)

SUITE = dedent(
    """
    import asyncio, os
    import pytest

    budget = pytest.mark.memory_budget

    @budget(rss_mb=300, growth_kib_per_call=16, children=0)
    def test_kept(memory_budget, server):
        with memory_budget.watch(server.pid) as watch:
            growth = memory_budget.repeat(lambda: server.get("/"), times=100)
        assert growth.low_kib <= growth.kib_per_call <= growth.high_kib
        assert 1 < watch.peak_rss_mb < 300

    @budget(rss_mb=300, growth_kib_per_call=16)
    def test_kept_without_a_watch(memory_budget, server):
        memory_budget.repeat(lambda: server.get("/"), times=100, pid=server.pid)

    @budget(growth_kib_per_call=16)
    def test_leak(memory_budget, server):
        memory_budget.repeat(lambda: server.get("/leak"), times=100, pid=server.pid)

    @budget(growth_kib_per_call=16)
    def test_leak_in_this_process(memory_budget):
        held = []
        memory_budget.repeat(lambda: held.append(bytearray(b"x") * (256 << 10)), times=100)

    @budget(rss_mb=70)
    def test_peak_between_samples(memory_budget, server):
        with memory_budget.watch(server.pid) as watch:
            server.get_until_known("/peak", watch)

    @budget(rss_mb=70, children=0)
    def test_fat_child(memory_budget, server):
        with memory_budget.watch(server.pid) as watch:
            server.get_until_known("/child", watch)

    @budget(rss_mb=300)
    def test_killed(memory_budget, server):
        with memory_budget.watch(server.pid):
            server.process.kill()
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)

    @budget(rss_mb=300)
    def test_dies_while_asked(memory_budget, server):
        with memory_budget.watch(server.pid):
            server.get("/die")

    @budget(growth_kib_per_call=4)
    def test_dies_between_calls(memory_budget, server):
        memory_budget.repeat(server.process.kill, pid=server.pid)

    @budget(rss_mb=300)
    def test_gone_before(memory_budget, server):
        server.process.kill()
        server.process.wait()
        with memory_budget.watch(server.pid):
            pass

    @budget(rss_mb=300)
    def test_fails_by_itself(memory_budget, server):
        with memory_budget.watch(server.pid):
            assert server is None

    @budget(rss_mb=300)
    def test_too_short(memory_budget, server):
        with memory_budget.watch(server.pid):
            pass

    @budget(rss_mb=300, growth_kib_per_call=4)
    def test_half_measured(memory_budget, server):
        with memory_budget.watch(server.pid) as watch:
            server.get_until_known("/", watch)

    @budget(rss_mb=300)
    def test_not_measured(memory_budget):
        pass

    @budget(rss_mb=300)
    def test_not_measured_and_failed(memory_budget):
        raise ValueError("its own")

    @budget(growth_kib_per_call=4)
    def test_not_awaited(memory_budget, server):
        memory_budget.repeat(lambda: asyncio.sleep(0))

    @budget(rss_mb=300)
    def test_without_the_fixture():
        pass

    def test_without_the_mark(memory_budget):
        pass

    @budget(rss=300)
    def test_unknown_limit(memory_budget):
        pass

    @budget(rss_mb=0)
    def test_impossible_limit():
        pass

    @budget(rss_mb=1)
    class TestClass:
        @budget(rss_mb=300)
        def test_own_mark_counts(self, memory_budget, server):
            with memory_budget.watch(server.pid) as watch:
                server.get_until_known("/", watch)

        def test_mark_of_the_class_counts(self, memory_budget, server):
            with memory_budget.watch(server.pid) as watch:
                server.get_until_known("/", watch)

    def test_unmarked():
        pass
    """
)
PASSED = {
    "test_kept", "test_kept_without_a_watch", "test_own_mark_counts", "test_unmarked",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a test ended: `passed`, `failure` or `error`, what was said, and its figures."""

    word: str
    text: str
    figures: dict[str, float]


def _run(folder: Path, *options: str) -> tuple[dict[str, Outcome], str]:
    """Run pytest in a folder, without what this one would hand down; return each test's outcome, and what it said."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_") and name != "CI"
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "--strict-markers"]
    done = subprocess.run(
        [*command, "--junitxml=junit.xml", *options],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = ET.parse(folder / "junit.xml").iter("testcase")  # noqa: S314 - pytest wrote it just now
    return {str(case.get("name")): _outcome(case) for case in cases}, done.stdout


def _outcome(case: ET.Element) -> Outcome:
    bad = [found for found in case if found.tag in ("failure", "error")]
    figures = {str(entry.get("name")): float(str(entry.get("value"))) for entry in case.iter("property")}
    return Outcome(bad[0].tag if bad else "passed", bad[0].text or "" if bad else "", figures)


def _put(folder: Path, suite: str) -> Path:
    for name, text in (("server.py", SERVER), ("conftest.py", CONFTEST), ("test_suite.py", suite)):
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The whole suite, run once."""
    return _run(_put(tmp_path_factory.mktemp("suite"), SUITE))[0]


def test_what_keeps_its_budget_passes_and_all_else_does_not(outcomes: dict[str, Outcome]) -> None:
    """GIVEN servers that keep a budget, and all that can go wrong THEN only the first pass."""
    assert {name for name, outcome in outcomes.items() if outcome.word == "passed"} == PASSED
    assert len(outcomes) == SUITE.count("def test_")


def test_the_figures_of_a_kept_budget_are_in_the_report(outcomes: dict[str, Outcome]) -> None:
    """GIVEN a kept budget THEN its figures are in JUnit's XML; of a test without a budget nothing is."""
    for name in ("test_kept", "test_kept_without_a_watch"):
        kept = outcomes[name]
        assert set(kept.figures) == {"memory_budget_peak_rss_mb", "memory_budget_growth_kib_per_call"}
        assert 1 < kept.figures["memory_budget_peak_rss_mb"] < 300
    assert outcomes["test_unmarked"] == Outcome("passed", "", {})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "test_leak",
            ["not kept: growth of RSS", "allowed   16 KiB", "100 calls", "after 50 of", "server.py"],
        ),
        ("test_leak_in_this_process", ["not kept: growth of RSS", "allowed   16 KiB", "-m pytest"]),
        (
            "test_peak_between_samples",
            ["not kept: peak RSS", "allowed   70 MB", "alone, by the kernel's own mark"],
        ),
        (
            "test_fat_child",
            ["not kept: peak RSS", "held by", "-c held = bytearray", "allowed   0", "1 at once"],
        ),
        (
            "test_killed",
            ["nothing was measured. The process", "was gone", "by SIGKILL, as what the kernel kills"],
        ),
        ("test_dies_while_asked", ["memory budget: The process", "was gone", "it ended with status 3"]),
        ("test_dies_between_calls", ["nothing was measured. The process", "was gone", "It held at most"]),
        ("test_gone_before", ["nothing was measured. There is no process"]),
        (
            "test_fails_by_itself",
            ["assert server is None", "memory budget: until then the process", "held at most"],
        ),
        ("test_too_short", ["nothing was measured. Only 2 samples in", "repeat the call"]),
        (
            "test_half_measured",
            ["nothing was measured for growth_kib_per_call=4.", "memory_budget.repeat(call)"],
        ),
        ("test_not_measured", ["nothing was measured for rss_mb=300.", "memory_budget.watch(pid)"]),
        ("test_not_awaited", ["nothing was measured. The call gave something to be awaited"]),
        ("test_mark_of_the_class_counts", ["not kept: peak RSS", "allowed   1 MB"]),
    ],
)
def test_a_budget_that_is_not_kept_is_told_in_plain_words(
    outcomes: dict[str, Outcome], name: str, said: list[str]
) -> None:
    """GIVEN a budget broken, or nothing measured THEN the test fails, and says what was allowed and what was seen."""
    outcome = outcomes[name]
    assert outcome.word == "failure"
    assert [part for part in said if part not in outcome.text] == []
    assert "/profiles/" not in outcome.text, "no line of the plugin's own stands in the way"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "test_without_the_fixture",
            ["marked with a memory budget", "does not ask for the fixture memory_budget"],
        ),
        (
            "test_without_the_mark",
            ["test_without_the_mark has no memory budget", "@pytest.mark.memory_budget("],
        ),
        ("test_unknown_limit", ["rss is not known. There are rss_mb, growth_kib_per_call, children."]),
        ("test_impossible_limit", ["rss_mb=0 is no memory at all"]),
    ],
)
def test_a_mark_that_cannot_be_used_is_an_error(
    outcomes: dict[str, Outcome], name: str, said: list[str]
) -> None:
    """GIVEN a mistake in the test itself THEN it does not run, and one line says what is wrong."""
    outcome = outcomes[name]
    assert outcome.word == "error"
    assert [part for part in said if part not in outcome.text] == []


def test_a_test_that_fails_by_itself_is_left_alone(outcomes: dict[str, Outcome]) -> None:
    """GIVEN a failure before anything was measured THEN that alone is told."""
    outcome = outcomes["test_not_measured_and_failed"]
    assert "ValueError: its own" in outcome.text
    assert "nothing was measured" not in outcome.text


def test_the_figures_come_back_from_other_processes(tmp_path: Path) -> None:
    """GIVEN workers of pytest-xdist THEN budgets are held there, and the figures reach the one report."""
    _put(tmp_path, SUITE)
    outcomes, said = _run(tmp_path, "-n", "2", "-rA", "-k", "test_kept or test_leak or test_impossible_limit")
    words = {name: outcome.word for name, outcome in outcomes.items()}
    kept = dict.fromkeys(("test_kept", "test_kept_without_a_watch"), "passed")
    leaks = dict.fromkeys(("test_leak", "test_leak_in_this_process"), "failure")
    assert words == {**kept, **leaks, "test_impossible_limit": "error"}
    assert all("memory_budget_growth_kib_per_call" in outcomes[name].figures for name in (*kept, *leaks))
    assert said.count("Captured memory budget call") == 6, (
        "growth and peak of what is kept, growth of what is not"
    )


def test_where_nothing_is_marked_nothing_is_imported(tmp_path: Path) -> None:
    """GIVEN a suite without budgets THEN of this package one module is there, and it brought nobody along."""
    suite = dedent(
        """
        import sys

        def test_what_is_there():
            here = {name for name in sys.modules if name.startswith("profiles")}
            assert here == {"profiles", "profiles.memory_budget"}
        """
    )
    outcomes, _ = _run(_put(tmp_path, suite))
    assert outcomes["test_what_is_there"].word == "passed", outcomes
    code = "import sys, pytest; before = {*sys.modules}; import profiles.memory_budget; print({*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.strip().strip("{}").replace("'", "").split(", ")) == [
        "profiles",
        "profiles.memory_budget",
    ]


def test_the_mark_is_known(tmp_path: Path) -> None:
    """GIVEN `pytest --markers` THEN each limit is listed there."""
    command = [sys.executable, "-m", "pytest", "--markers"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("@pytest.mark.memory_budget(")]
    assert all(name in line for name in ("rss_mb", "growth_kib_per_call", "children"))


def test_the_guide_is_right(tmp_path: Path) -> None:
    """GIVEN the guide's example as it stands THEN it keeps its budget; and the guide names every limit."""
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "own-suite.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "test_example.py").write_text(example)
    outcomes, said = _run(tmp_path)
    assert [outcome.word for outcome in outcomes.values()] == ["passed"], said
    assert set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE)) == set(NAMES)


def test_it_can_be_left_out(tmp_path: Path) -> None:
    """GIVEN a project whose own package has our package's name THEN its tests run with the plugin left out."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "__init__.py").touch()
    (tmp_path / "test_own.py").write_text(
        "import profiles\n\ndef test_own():\n    assert 'site' not in profiles.__file__\n"
    )
    outcomes, said = _run(tmp_path, "-p", "no:oomproof-memory-budget")
    assert [outcome.word for outcome in outcomes.values()] == ["passed"], said
