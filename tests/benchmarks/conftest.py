"""Rules of the benchmarks' tests."""

import pytest

with pytest.MonkeyPatch.context() as patch:
    # Locust makes the whole process gevent's when it is imported, and the other tests are in it too.
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust  # noqa: F401
