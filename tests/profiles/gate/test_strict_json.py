from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError, field_validator

from profiles.gate.strict_json import WIDTH, Part, mistake, parse, to_text

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    NUMBERS | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


class Point(Part):
    """Something to be read."""

    name: str
    at: float = 0.0
    tags: dict[str, int] = {}  # noqa: RUF012 - pydantic copies it

    @field_validator("tags")
    @classmethod
    def _are_few(cls, tags: dict[str, int]) -> dict[str, int]:
        if len(tags) > 1:
            raise ValueError("too many tags")
        return tags


def mistake_in(text: str) -> str:
    """What is told of a mistake."""
    with pytest.raises(ValidationError) as caught:
        Point.model_validate_json(text)
    return mistake(caught.value)


@settings(max_examples=50)
@given(value=JSON)
def test_whatever_is_written_is_read_as_it_was(value: object) -> None:
    """GIVEN any JSON without null THEN what comes back is the same."""
    assert parse(to_text(value)) == value


def test_what_is_short_has_one_line_and_what_is_long_a_line_for_each_part() -> None:
    """GIVEN a table of a short one and a long one THEN only the long one is spread out."""
    short, long = {"a": 1, "b": [2.5, 3]}, {"text": "x" * WIDTH, "empty": {}, "none": []}
    assert to_text({"short": short, "long": long}).splitlines() == [
        "{",
        '  "short": {"a": 1, "b": [2.5, 3]},',
        '  "long": {',
        f'    "text": "{"x" * WIDTH}",',
        '    "empty": {},',
        '    "none": []',
        "  }",
        "}",
    ]


def test_a_line_ends_where_it_is_full() -> None:
    """GIVEN a list that would fill the line THEN it is spread, for a comma may follow it; one shorter is not."""
    fits = "x" * (WIDTH - len('["a", ""],'))
    assert len(to_text(["a", fits]).splitlines()) == 1
    assert len(to_text(["a", f"{fits}x"]).splitlines()) == 4


def test_a_curve_is_one_line_however_long_it_is() -> None:
    """GIVEN sixty points THEN they are one line, which a difference of two files shows as one."""
    curve = [[step / 10, 70.5] for step in range(60)]
    assert to_text({"curve": curve}).splitlines()[1] == f'  "curve": {json.dumps(curve)}'


def test_a_number_that_is_none_is_not_written() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON compliant"):
        to_text({"at": math.nan})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ('{"a": 1,\n "b": [2', "cut off in line 2"),
        ('{"a": {"b": 1}', "cut off in line 1"),
        ('{"a": "b', "cut off in line 1"),
        ('{"a": "{}', "cut off in line 1"),
        ('{"a": tru', "cut off in line 1"),
        ("nothing", "line 1, column 1: not JSON (Expecting value)"),
        ('{\n<<<<<<< ours\n"a": 1}', "line 2, column 1: not JSON"),
        ('{"a": 1, "a": 2}', "'a': stands twice in one place"),
        ('{"a": {"b": null}}', "'b': null, where what was not measured is left out"),
        ("[" * 100_000, "not JSON that anybody wrote: nested too deep"),
        (f'{{"a": {"1" * 5000}}}', "4300 digits"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, said: str) -> None:
    """GIVEN a text that is damaged THEN one line says how and where."""
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "name: is missing"),
        ("[]", "[]: Input should be an object"),
        ('{"name": 1}', "name: 1: Input should be a valid string"),
        ('{"name": "a", "at": true}', "at: True: Input should be a valid number"),
        ('{"name": "a", "at": NaN}', "at: nan: Input should be a finite number"),
        ('{"name": "a", "at": 1e999}', "at: inf: Input should be a finite number"),
        ('{"name": "a", "of": 1}', "of: 1: Extra inputs are not permitted"),
        ('{"name": "a", "o\\nf\\u001b": 1}', r"o\nf\x1b: 1: Extra inputs are not permitted"),
        ('{"name": "a", "tags": {"b": 1, "c": 2}}', "tags: too many tags"),
    ],
)
def test_a_mistake_is_one_line_with_place_and_value(text: str, said: str) -> None:
    """GIVEN JSON that is not what was asked for THEN place, value and what it should be are told."""
    assert mistake_in(text) == said


def test_a_long_value_is_told_by_its_beginning() -> None:
    """GIVEN a whole curve where a name should be THEN the line stays a line."""
    said = mistake_in(json.dumps({"name": list(range(500))}))
    assert said.startswith("name: [0, 1, 2")
    assert said.endswith("…: Input should be a valid string")
    assert len(said) < 110
