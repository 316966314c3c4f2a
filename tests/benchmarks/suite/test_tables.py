"""Tables that read well as they are."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.suite.tables import WIDTH, figures_tables, items, named, number, short, spread, table


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (0.01234, "0.0123"),
        (0.61, "0.610"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (99.95, "100.0"),
        (1234.5, "1,234"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_have_three_digits_or_all_before_the_point(value: float, told: str) -> None:
    """GIVEN a number THEN it is told in three digits, or all before the point."""
    assert number(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.25, "0.25"), (500, "500"), (2_000, "2,000"), (20_000, "20k"), (1_500_000, "1.5M"), (0, "0")],
)
def test_numbers_of_an_axis_are_short(value: float, told: str) -> None:
    """GIVEN a number that stands at an axis THEN thousands and millions are letters."""
    assert short(value) == told


def test_a_spread_is_told_where_there_is_one() -> None:
    """GIVEN a middle with a range THEN both are told; where all are told alike, the middle alone."""
    assert spread({"median": 2.0, "low": 1.0, "high": 3.0}) == "2.00 (1.00 to 3.00)"
    assert spread({"median": 2.0, "low": 2.0, "high": 2.001}) == "2.00"


def test_a_unit_stands_where_it_says_something() -> None:
    """GIVEN a quantity THEN its unit stands in brackets, unless the name has it or there is none."""
    assert [named("RSS", "MB"), named("requests/s", "1/s"), named("CPU", "1")] == [
        "RSS (MB)",
        "requests/s",
        "CPU",
    ]


def test_columns_are_padded_and_numbers_set_to_the_right() -> None:
    """GIVEN cells of different lengths THEN the columns stand below each other, and a bar in a cell is no column."""
    assert table(["who", "takes"], [["nginx", "1"], ["a|b", "1,000"]]).splitlines() == [
        "| who   | takes |",
        "| ----- | ----: |",
        "| nginx |     1 |",
        "| a\\|b  | 1,000 |",
    ]


def figure(subject: str, setting: str, quantity: str, value: float) -> dict[str, Any]:
    """A figure of one round."""
    told = {"median": value, "low": value, "high": value, "values": [value]}
    return {"subject": subject, "setting": setting, "quantity": quantity, "unit": "1", **told}


def test_figures_have_a_row_a_setting_and_subject() -> None:
    """GIVEN figures of two subjects THEN each has a row below the setting, a dash where it has none."""
    found = [
        figure("ours", "idle", "CPU", 1),
        figure("nginx", "idle", "CPU", 2),
        figure("ours", "idle", "RAM", 3),
    ]
    (told,) = figures_tables(found)
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines()[2:]] == [
        ["idle", "ours", "1.00", "3.00"],
        ["", "nginx", "2.00", "\N{EN DASH}"],
    ]


def test_a_table_that_is_too_wide_goes_on_below() -> None:
    """GIVEN more quantities than fit THEN several tables have every quantity once, none too wide."""
    quantities = [f"{letter} quantity of a rather long name" for letter in "abcdefg"]
    tables = list(
        figures_tables([figure("oomproof", "16 connections", quantity, 1.5) for quantity in quantities])
    )
    assert len(tables) > 1
    assert all(len(line) <= WIDTH for told in tables for line in told.splitlines())
    heads = " ".join(told.splitlines()[0] for told in tables)
    assert [heads.count(quantity) for quantity in quantities] == [1] * len(quantities)


def test_a_setting_that_says_nothing_in_a_table_is_left_out_of_it() -> None:
    """GIVEN quantities of different settings in tables of their own THEN each has the rows that say something."""
    wide = "w" * 90
    first, second = figures_tables([figure("ours", "a", wide, 1), figure("ours", "b", "CPU", 2)])
    assert len(first.splitlines()) == len(second.splitlines()) == 3
    assert "| b " in second


def test_items_are_wrapped() -> None:
    """GIVEN a long sentence THEN it is an item of several lines that fit, and no word is lost."""
    sentence = "word " * 60
    lines = items([sentence]).splitlines()
    assert lines[0].startswith("- ")
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(lines).replace("- ", "").split() == sentence.split()
