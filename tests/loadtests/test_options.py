import argparse
from pathlib import Path

import pytest

from loadtests.chapters import ChaptersError
from loadtests.options import OptionError, add_options, parse_options


def values(*words: str) -> argparse.Namespace:
    """The options as Locust's parser leaves them."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(words)


def test_good_values_are_typed(chapters_file: Path) -> None:
    """Values arrive checked and typed, with the session's longest wall time."""
    options = parse_options(
        values("--chapters-file", str(chapters_file), "--mode", "cached", "--pace", "5", "--session-s", "600")
    )
    assert (options.mode, options.pace, options.session_s, options.seed) == ("cached", 5.0, 600.0, 1)
    assert options.session_wall_s == 121.0
    assert len(options.chapters.chapters) == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--pace", "0"), ("--pace", "nan"), ("--session-s", "long"), ("--seed", "1.5")],
)
def test_a_bad_value_is_one_line_with_the_way_out(chapters_file: Path, option: str, value: str) -> None:
    """The line names the option, the value and what to use instead."""
    with pytest.raises(OptionError, match=rf"^{option}: '{value}' .*Use ") as raised:
        parse_options(values("--chapters-file", str(chapters_file), option, value))
    assert "\n" not in str(raised.value)


def test_an_unknown_mode_is_refused_however_it_came(chapters_file: Path) -> None:
    """A mode that the parser did not check, as from a form, is refused with the known ones."""
    given = values("--chapters-file", str(chapters_file))
    given.mode = "fast"
    with pytest.raises(OptionError, match=r"--mode: 'fast' is unknown\. Use one of live, cached"):
        parse_options(given)


def test_an_absent_chapters_file_is_refused() -> None:
    """Without chapters nothing can be read."""
    with pytest.raises(ChaptersError, match=r"absent\.json: No such file"):
        parse_options(values("--chapters-file", "absent.json"))
