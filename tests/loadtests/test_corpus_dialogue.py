import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.corpus import Corpus
from loadtests.corpus_dialogue import build_pdf, spoken_lines
from loadtests.espeak import synthesize
from reference_server.extract import extract
from reference_server.outline import Outline


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus, list[str]]:
    """Build the document once: its file, what was said of it, and the server's blocks of it."""
    folder = tmp_path_factory.mktemp("dialogue")
    corpus = build_pdf(folder / "dialogue.pdf")
    cut = extract(folder / "dialogue.pdf", folder / "pages.bin", is_markdown=False)
    assert cut.pages == corpus.pages
    blocks = [block.text for block in Outline.open(folder / "pages.bin", "dialogue").blocks]
    return folder / "dialogue.pdf", corpus, blocks


def test_the_server_makes_one_short_block_of_each_line(document: tuple[Path, Corpus, list[str]]) -> None:
    """Read by the server, 95 blocks of 100 and more have 25 to 75 characters, and each is a line as set."""
    _, corpus, blocks = document

    assert sum(25 <= len(block) <= 75 for block in blocks) >= 0.95 * len(blocks)
    assert blocks == list(spoken_lines())
    assert corpus.characters == sum(map(len, blocks))


def test_there_are_lines_for_ten_minutes_in_each_of_eight_chapters(
    document: tuple[Path, Corpus, list[str]],
) -> None:
    """There are more than 8 times 160 lines, and no line twice: nothing is served from a cache by chance."""
    _, _, blocks = document

    assert len(blocks) == len(set(blocks)) > 8 * 160


def test_lines_last_two_to_five_seconds() -> None:
    """Spoken by our upstream, nine lines of ten last 2 to 5 s, and none is much shorter or longer."""
    lasting_s = [synthesize(line, "alloy").duration_s for line in list(spoken_lines())[::20]]

    assert sum(2 <= seconds <= 5 for seconds in lasting_s) >= 0.9 * len(lasting_s)
    assert 1.5 <= min(lasting_s) <= max(lasting_s) <= 6


def test_the_same_python_gives_the_same_bytes(
    document: tuple[Path, Corpus, list[str]], tmp_path: Path
) -> None:
    """A second process writes the same file and says so in one line."""
    again = tmp_path / "again.pdf"

    done = subprocess.run(
        [sys.executable, "-m", "loadtests.corpus_dialogue", str(again)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert again.read_bytes() == document[0].read_bytes()
    assert done.stdout.count("\n") == 1
    assert document[1].sha256 in done.stdout
