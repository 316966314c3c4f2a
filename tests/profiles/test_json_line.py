"""JSON objects among the lines of a log."""

import pytest

from profiles.json_line import MOST_LINES, joined, parse_json


@pytest.mark.parametrize("text", ["", "text", "[1]", "{", '{"a": ', "{" * 5000, '{"a":' * 5000, "{}x"])
def test_what_is_no_object_is_none(text: str) -> None:
    """GIVEN text, a list, torn or endless objects THEN there is no object, and no error."""
    assert parse_json(text) is None


def test_an_object_spread_over_lines_comes_as_one() -> None:
    """GIVEN an object over four lines among others THEN it is one line, and the others are as they were."""
    lines = ["a\n", "{\n", '    "b": {\n', '        "c": 1\n', "    }\n", "}\n", "d\n"]
    found = list(joined(lines))
    assert (found[0], found[2]) == ("a\n", "d\n")
    assert parse_json(found[1]) == {"b": {"c": 1}}


@pytest.mark.parametrize("count", [3, MOST_LINES - 1, MOST_LINES, MOST_LINES + 5])
def test_an_object_that_never_ends_comes_as_its_lines(count: int) -> None:
    """GIVEN a brace that is never closed THEN every line comes, in its order."""
    lines = ["{\n", *(f"{number}\n" for number in range(count))]
    assert list(joined(lines)) == lines
