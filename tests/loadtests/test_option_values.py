from pathlib import Path

import pytest

from loadtests import option_values
from loadtests.option_values import OptionError


def test_numbers_have_bounds() -> None:
    """A count is from 1 up, a pace is above 0 and finite, a seed is any whole number."""
    assert (option_values.count("1"), option_values.positive("0.5"), option_values.whole("-3")) == (
        1,
        0.5,
        -3,
    )
    for text in ("0", "-1", "1.5", ""):
        with pytest.raises(OptionError):
            option_values.count(text)
    for text in ("0", "-1", "inf", "nan", "", "5x"):
        with pytest.raises(OptionError):
            option_values.positive(text)


def test_an_empty_text_is_none_where_that_has_a_meaning() -> None:
    """The project's own document is what is read when none is named; rows need a file."""
    assert option_values.file_or_none("") is None
    assert option_values.word_or_none("") is None
    assert option_values.file("rows.csv") == Path("rows.csv")
    with pytest.raises(OptionError, match="is empty"):
        option_values.file(" ")
