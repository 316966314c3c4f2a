"""What a run says of the faults that its upstream was ordered to have."""

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.ordered_faults import OrderedFaults, ordered_faults
from profiles.run_folder import RunFolder


def ordered(path: Path, **facts: Any) -> OrderedFaults | None:
    """The ordered faults of a run whose upstream counted so."""
    counts = {f"upstream_{key}": number for key, number in facts.items()}
    (path / "events.jsonl").write_text(json.dumps({"t": 9, "event": "upstream", **counts}) + "\n")
    return ordered_faults(RunFolder(path))


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"cut": 7.0}, "to fail 7 of 20 (cut)"),
        ({"cut": 2.0, "503": 5.0, "429": 0.0}, "to fail 7 of 20 (503 5, cut 2)"),
        ({"drip": 7.0}, "to be slow with 7 of 20 (drip)"),
        ({"hang": 6.0, "drip": 1.0}, "to fail 6 of 20 (hang) and to be slow with 1 of 20 (drip)"),
        ({}, "to fail 7 of 20"),
    ],
    ids=["one", "several", "slow", "both", "kinds unknown"],
)
def test_the_faults_that_were_met_are_told_by_kind(
    tmp_path: Path, kinds: dict[str, float], words: str
) -> None:
    """Speech that comes slowly is no failure, the most frequent kind comes first, one that was not met is not named."""
    kinds = {f"faulted_{kind}": number for kind, number in kinds.items()}
    found = ordered(tmp_path, requests=20.0, faulted=7.0, **kinds)
    assert found == OrderedFaults(0.35, f"the upstream was ordered {words}")


def test_an_upstream_without_faults_is_not_spoken_of(tmp_path: Path) -> None:
    """GIVEN no fault met, no request, or an upstream of another that counts nothing THEN None."""
    assert ordered_faults(RunFolder(tmp_path)) is None
    assert ordered(tmp_path, requests=20.0, faulted=0.0) is None
    assert ordered(tmp_path, requests=0.0, faulted=0.0) is None
    assert ordered(tmp_path) is None
