"""A job followed to its end: what an event stream says, and what is no news in it."""

from benchmarks.suite.made_ahead import events


def test_events_are_the_lines_of_data() -> None:
    """GIVEN a stream with a name, a comment, empty lines and line ends of two kinds THEN its data is what it says."""
    lines = [
        b": ping\r\n",
        b"\r\n",
        b'data: {"state": "running"}\r\n',
        b"event: failed\n",
        b'data:{"page": 2}\n',
    ]
    assert list(events(iter(lines))) == [{"state": "running"}, {"page": 2}]
