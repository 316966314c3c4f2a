"""Settings that are a number of something."""

import pytest

from benchmarks.suite.settings import counted


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("1,000 readers", (1000.0, "reader")),
        ("1 reader", (1.0, "reader")),
        ("200,000 chunks", (200_000.0, "chunk")),
        ("16 connections, keep-alive", None),
        ("a PDF of 142 pages", None),
        ("idle", None),
    ],
)
def test_a_number_of_something_is_known(setting: str, found: tuple[float, str] | None) -> None:
    """GIVEN a setting THEN number and word are those of `1,000 readers`, and none of a setting that says more."""
    assert counted(setting) == found
