"""The page of a benchmark."""

from dataclasses import asdict

from benchmarks.figures import Figures
from benchmarks.table import markdown

CASE = Figures(
    name="readers",
    users="ReaderUser",
    server="nginx",
    readers=5000,
    processes=1,
    load_cores=(1,),
    server_cores=(0,),
    window_s=180.0,
    requests_per_s=310.0,
    expected_per_s=312.0,
    megabytes_per_s=80.0,
    failures=0,
    latency_p50_ms=1,
    latency_p99_ms=6,
    cpu_share=0.312,
    cpu_share_all=0.312,
    cpu_ms_per_request=1.02,
    lag_p99_ms=12,
    lag_max_ms=40,
    rss_mb=200.6,
    rss_kb_per_reader=27.1,
    sockets_per_reader=1.99,
    open_files_limit=20000,
    server_cpu_share=0.05,
    server_rss_mb=17.0,
    load_average=0.1,
    exit_status=0,
    last_words="",
    not_carried="",
)
RESULT = {
    "created_at": "2026-11-23T08:00:00+00:00",
    "command": "python -m benchmarks.readers",
    "commit": "abc",
    "machine": {"cpu_model": None, "cpus": 2, "memory_mb": 24105, "kernel": "6.1"},
    "versions": {"python": "3.11", "nginx": None},
    "ramp_s": 60,
    "chunks": {
        "count": 1000,
        "smallest_bytes": 448888,
        "median_bytes": 510328,
        "largest_bytes": 708440,
        "timings_by": "embedded",
    },
}


def test_the_page_has_a_column_a_case_and_the_conditions() -> None:
    """GIVEN two cases THEN both stand beside each other, under what they were measured on."""
    page = markdown(
        {**RESULT, "cases": [asdict(CASE), asdict(CASE) | {"name": "http-user", "cpu_share": 0.99}]}
    )
    assert "|  | readers | http-user |" in page
    assert "| CPU of the busiest load process, share of a core | 31 % | 99 % |" in page
    assert "1,000 different chunks (449 to 708 kB, median 510;" in page
    assert "2026-11-23" in page
    assert "Not carried" not in page


def test_the_page_says_why_readers_were_not_carried() -> None:
    """GIVEN a case that failed THEN its reason stands below the table."""
    page = markdown({**RESULT, "cases": [asdict(CASE) | {"not_carried": "3 requests failed"}]})
    assert "| carried | no |" in page
    assert "- readers, 5,000 readers: 3 requests failed." in page
