"""Fly's prices are those that the guide to operations quotes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.suite import fly_prices

OPERATIONS = (Path(__file__).parents[3] / "docs" / "guide" / "operations.md").read_text("utf-8")


def quoted(row: str) -> float:
    """The first price in a row of the guide's table."""
    found = re.search(rf"^\| {row}[^|]* \| \$([\d.]+)", OPERATIONS, re.MULTILINE)
    assert found, row
    return float(found[1])


def test_the_formula_is_the_guides() -> None:
    """GIVEN the guide's formula THEN its three numbers are ours."""
    said = f"30 days cost {fly_prices.PARIS} × (${fly_prices.VCPU:.2f} × vCPUs + ${fly_prices.GB:.2f} × (GB"  # noqa: RUF001
    assert said in OPERATIONS


def test_the_other_prices_are_the_guides() -> None:
    """GIVEN the guide's table THEN its prices are ours."""
    assert quoted("volume") == fly_prices.VOLUME_A_GB
    assert quoted("traffic to the internet") == fly_prices.TRAFFIC_A_GB
    assert quoted("the load's whole cores") == fly_prices.WHOLE_CORE
    assert (
        f"{fly_prices.VOLUME_GB} GB: ${fly_prices.VOLUME_GB * fly_prices.VOLUME_A_GB:.2f} an app"
        in OPERATIONS
    )
    assert "It writes at most 16 MiB/s" in OPERATIONS


def test_the_deployed_machine_costs_what_the_guide_says() -> None:
    """GIVEN shared-cpu-2x with 4 GB THEN an eighth of a core, 4 GiB, the guide's price and a volume's."""
    size = fly_prices.SIZES[0]
    assert size.cores == 0.125
    assert size.memory_mb == pytest.approx(4295, abs=1)
    price = float(re.search(r"as deployed, live \| shared-cpu-2x, 4 GB \| \$([\d.]+)", OPERATIONS)[1])  # type: ignore[index]  # no match is a failure too
    assert size.dollars_a_month == pytest.approx(price + 1.5, abs=0.05)
