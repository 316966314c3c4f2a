"""What can go wrong in a benchmark, as one line for the person who runs it."""


class BenchmarkError(Exception):
    """A benchmark cannot be made here; the text is one line that says why and what to do."""
