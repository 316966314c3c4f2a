from collections import Counter
from collections.abc import Sequence

import pytest
from locust.exception import CatchResponseError
from locust.stats import RequestStats

from loadtests.closing import close
from loadtests.listener_stats import FIRST_AUDIO, LISTENER
from loadtests.tally import Tally

WELL = Tally(
    readers=4, heard=3, blocks=Counter(chunk=40, cache=2), stalls=1, silence_s=1.25, audio_requests=40
)
UNWELL = Tally(readers=4, audio_requests=9, audio_failures=9)


def test_a_good_run_ends_with_what_was_heard_in_80_columns() -> None:
    """Readers, first audio, blocks by source, stalls and silence, timings: and no verdict."""
    stats = RequestStats()
    for waited_ms in (900, 2400, 2500):
        stats.get(FIRST_AUDIO, LISTENER).log(waited_ms, 0)
    closing = close(WELL, stats, [])
    assert closing.lines == (
        "Readers              4, 3 of them heard something",
        "First audio after    2.4 s (median)",
        "Blocks played        42: 40 chunk, 2 cache",
        "Stalls over 0.25 s   1, 1.2 s of silence",
        "Word timings         too late for 0 blocks",
    )
    assert all(len(line) <= 80 for line in closing.lines)
    assert closing.verdict is None


def test_an_unhealthy_run_says_what_failed_most() -> None:
    """One line, with the most frequent of Locust's errors."""
    stats = RequestStats()
    for reason in ("HTTP 503", "HTTP 500", "HTTP 500"):
        stats.log_error("POST", "/api/tts", CatchResponseError(reason))
    assert close(UNWELL, stats, []).verdict == (
        "unhealthy: nothing was heard, 9 of 9 requests for audio failed; "
        "most often (2 times) POST /api/tts: HTTP 500"
    )


@pytest.mark.parametrize(
    ("tally", "invalid", "alone", "judged_elsewhere"),
    [(WELL, [], 0, 0), (UNWELL, [], 1, 0), (WELL, ["worker 1 was lost"], 1, 1), (UNWELL, ["a", "b"], 1, 1)],
)
def test_the_exit_code_tells_a_pass_from_all_else(
    tally: Tally, invalid: Sequence[str], alone: int, judged_elsewhere: int
) -> None:
    """Who judges elsewhere judges the server; an invalid run measured nothing for anybody."""
    closing = close(tally, RequestStats(), invalid)
    assert closing.exit_code(judged_elsewhere=False) == alone
    assert closing.exit_code(judged_elsewhere=True) == judged_elsewhere
    if invalid:
        assert closing.verdict == f"invalid: {'; '.join(invalid)}"


def test_a_line_stays_a_line_however_many_workers_fail() -> None:
    """Two reasons, and how many more there are."""
    closing = close(WELL, RequestStats(), ["one", "two", "three", "four"])
    assert closing.verdict == "invalid: one; two; 2 more of the kind"
