import argparse
from pathlib import Path

import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests.chapters import Voice
from loadtests.option_values import OptionError
from loadtests.options import NOT_ON_THE_PAGE, add_options, parse_options


def values(*words: str) -> argparse.Namespace:
    """The options as Locust's parser leaves them."""
    parser = LocustArgumentParser()
    add_options(parser)
    given: argparse.Namespace = parser.parse_args(list(words))
    return given


def test_good_values_are_typed() -> None:
    """Values arrive checked and typed, with the session's longest wall time."""
    given = values("--mode", "cached", "--mix", "steady=3,restless", "--pace", "5", "--document", "book.epub")
    options = parse_options(given)
    assert (options.mode, options.pace, options.session_s, options.seed) == ("cached", 5.0, 600.0, 1)
    assert options.mix.of_reader(0) == "steady"
    assert (options.document, options.chapters_file, options.document_id) == (Path("book.epub"), None, None)
    assert options.asked_with == Voice("alloy", 1.0)
    assert options.session_wall_s == 121.0
    assert (options.pregenerate, options.insecure, options.judged_elsewhere) == (False, False, False)


def test_values_stay_text_until_they_are_read() -> None:
    """A form and a master hand on texts: what is typed there is read by the same code."""
    assert all(isinstance(value, str | bool) for value in vars(values("--pace", "5")).values())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--pace", "0"),
        ("--pace", "nan"),
        ("--session-s", "long"),
        ("--seed", "1.5"),
        ("--blocks", "0"),
        ("--first-reader", "-1"),
        ("--clock-shift-s", "nan"),
        ("--mode", "fast"),
        ("--mix", "happy=1"),
    ],
)
def test_a_bad_value_is_one_line_with_the_way_out(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the option, the value and what to use instead, from a command line as from a form."""
    with pytest.raises(SystemExit, match="2"):
        values(option, value)
    said = capsys.readouterr().err
    given = values()
    setattr(given, option.removeprefix("--").replace("-", "_"), value)
    with pytest.raises(OptionError, match=rf"^{option}: '{value}'.*Use ") as raised:
        parse_options(given)
    assert said.endswith(f"error: argument {raised.value}\n")
    assert "\n" not in str(raised.value)


def test_files_are_chosen_on_the_command_line_only() -> None:
    """Whoever reaches Locust's page could otherwise have any file of this machine sent to any host."""
    parser = LocustArgumentParser()
    add_options(parser)
    on_page = set(parser.args_included_in_web_ui)
    assert {"mode", "mix", "pace", "session_s"} <= on_page
    assert on_page.isdisjoint(NOT_ON_THE_PAGE)
    assert {name for name in vars(values()) if "file" in name or "document" in name} <= set(NOT_ON_THE_PAGE)
