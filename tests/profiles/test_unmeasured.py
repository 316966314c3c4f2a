from pathlib import Path

from profiles.event_log import EventLog
from profiles.run_folder import RunFolder
from profiles.unmeasured import Unmeasured, lost_samples, unmeasured


def test_a_column_is_told_once_with_those_of_the_same_reason(tmp_path: Path) -> None:
    """GIVEN the same unknown columns at every sample THEN there is one event for each reason, and no more."""
    told = Unmeasured(EventLog(tmp_path))
    for t in range(3):
        told.note({"vm_psi_some": "no file", "vm_psi_full": "no file", "swap_bytes": "not counted"}, float(t))
    told.note({"swap_bytes": "gone", "server_fds": "not permitted"}, 4.0)
    found = [(event.t, event.facts["columns"], event.text("reason")) for event in RunFolder(tmp_path).events]
    assert found == [
        (0.0, ["vm_psi_some", "vm_psi_full"], "no file"),
        (0.0, ["swap_bytes"], "not counted"),
        (4.0, ["server_fds"], "not permitted"),
    ]


def test_the_verdict_has_the_reason_of_each_column(tmp_path: Path) -> None:
    """GIVEN these events, one of them not a recorder's THEN each column has its first reason."""
    events = EventLog(tmp_path)
    events.write("unmeasured", columns=["a", "b"], reason="no file")
    events.write("unmeasured", columns=["b"], reason="another")
    events.write("unmeasured", reason="of nothing")
    assert unmeasured(RunFolder(tmp_path)) == {"a": "no file", "b": "no file"}


def test_nothing_unmeasured_is_nothing_told(tmp_path: Path) -> None:
    """GIVEN a run that measured all THEN there are no reasons and no lost samples."""
    Unmeasured(EventLog(tmp_path)).note({})
    assert RunFolder(tmp_path).events == ()
    assert unmeasured(RunFolder(tmp_path)) == {}
    assert lost_samples(RunFolder(tmp_path)) == []


def test_lost_samples_are_a_line_of_evidence(tmp_path: Path) -> None:
    """GIVEN samples that were not written THEN the line says how many and why."""
    EventLog(tmp_path).write("samples_lost", lost=12, reason="No space left on device")
    assert lost_samples(RunFolder(tmp_path)) == [
        "recorder: 12 samples could not be written: No space left on device"
    ]
