"""The measurement of the growth verdict itself, small: the interval holds the truth, and no standing course leaks."""

import pytest

from benchmarks import growth

SERIES = 120


@pytest.mark.parametrize("name", [name for name in growth.NOISES if name != "random walk"])
def test_the_interval_holds_the_true_slope_about_as_often_as_it_says(name: str) -> None:
    """GIVEN noise with memory, or a saw-tooth THEN at least 90 % of the 95 % intervals hold the slope."""
    assert growth.coverage(growth.NOISES[name], SERIES, seed=3) >= 0.90


@pytest.mark.parametrize("course", ["flat", "one step of 20 MB", "fills by 40 %", "fills up, 1/e after 10%"])
@pytest.mark.parametrize("noise", ["memory 1.0% of the stretch", "saw-tooth, period 10%", "random walk"])
def test_what_does_not_leak_is_never_called_a_leak(course: str, noise: str) -> None:
    """GIVEN a course that ends flat WHEN there is noise THEN no series of it is a leak."""
    found = growth.words(growth.courses()[course], growth.NOISES[noise], SERIES, seed=3)
    assert found["leak"] == 0


def test_a_leak_is_found() -> None:
    """GIVEN 300 MB an hour under noise THEN nearly every series is a leak."""
    course = growth.courses()["leaks 300 MB an hour"]
    found = growth.words(course, growth.NOISES["memory 1.0% of the stretch"], SERIES, seed=3)
    assert found["leak"] >= 0.95 * SERIES


def test_the_tables_name_every_noise_and_course() -> None:
    """GIVEN few series THEN the printed tables are whole."""
    text = "\n".join(growth.lines(series=2, seed=1))
    assert all(f"| {name} |" in text for name in [*growth.NOISES, *growth.courses()])
