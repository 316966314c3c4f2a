"""The totals of the store, kept without looking at the disk."""

from reference_server.store_usage import Occupied, StoreStats, Usage


def test_totals_follow_what_is_added_and_taken_over() -> None:
    """Gains, losses, a new measurement and what lies outside the documents are in the total at once."""
    usage = Usage()
    usage.add("a", 100)
    usage.add("a", -30)
    usage.put("b", Occupied(5, 1700000000))
    usage.other_bytes = 7
    assert (usage.total_bytes, usage.get("a").size_bytes) == (82, 70)
    usage.put("b", Occupied(6, 1700000000))
    assert usage.total_bytes == 83


def test_a_document_without_bytes_is_forgotten() -> None:
    """What was removed takes no memory."""
    usage = Usage()
    usage.put("a", Occupied(5, 1700000000))
    usage.add("a", -5)
    assert usage.ids == []
    assert usage.stats() == StoreStats(0, 0, None)


def test_the_oldest_is_first_and_the_id_decides_between_equals() -> None:
    """Documents without an age are no candidates: nothing of theirs is a chunk."""
    usage = Usage()
    for name, created_at in (("c", 30), ("b", 20), ("a", 20), ("foreign", None)):
        usage.put(name, Occupied(1, created_at))
    assert [name for name, _ in usage.oldest_first()] == ["a", "b", "c"]
    assert usage.stats() == StoreStats(4, 3, 20)


def test_a_date_stays_when_bytes_come() -> None:
    """The age is the first chunk's, not the last one's."""
    usage = Usage()
    usage.add("a", 1)
    usage.date("a", 20)
    usage.add("a", 1)
    assert usage.get("a") == Occupied(2, 20)


def test_the_wire_has_the_plans_names_and_utc() -> None:
    """An empty store has no oldest document."""
    assert StoreStats(12, 3, 1704067200).to_json() == {
        "totalSize": 12,
        "documentsCount": 3,
        "oldestDocument": "2024-01-01T00:00:00Z",
    }
    assert StoreStats(0, 0, None).to_json()["oldestDocument"] is None


def test_totals_follow_every_change_between_two_looks() -> None:
    """GIVEN totals that were asked for WHEN documents come, age, empty or go THEN the next totals are the new ones."""
    usage = Usage()
    for document_id, occupied, expected in (
        ("a", Occupied(5, 20), StoreStats(5, 1, 20)),
        ("b", Occupied(7, 10), StoreStats(12, 2, 10)),
        ("b", Occupied(9, 10), StoreStats(14, 2, 10)),
        ("b", Occupied(9, 30), StoreStats(14, 2, 20)),
        ("a", Occupied(5, None), StoreStats(14, 1, 30)),
        ("b", Occupied(0, 30), StoreStats(5, 0, None)),
    ):
        usage.put(document_id, occupied)
        assert usage.stats() == expected
