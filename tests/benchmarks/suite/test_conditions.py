"""What a run is measured under."""

from benchmarks.suite import conditions


def test_versions_and_limits_of_this_machine_are_known() -> None:
    """GIVEN this environment THEN Python's and uvicorn's versions are told, and cores that we may use."""
    assert {"python", "uvicorn", "starlette"} <= set(conditions.versions())
    assert conditions.limits()["cores"]
