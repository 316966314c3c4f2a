"""What watches stays in memory."""

import subprocess
import sys

PROGRAM = """
import re
from pathlib import Path
from profiles.resident import stay_resident
promised = stay_resident()
locked = int(re.search(r"VmLck:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(promised, locked > 0)
"""


def test_a_process_is_kept_in_memory_or_says_that_it_is_not() -> None:
    """GIVEN a process WHEN it asks to stay in memory THEN its pages are locked, unless it is told no."""
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.split() in (["True", "True"], ["False", "False"])
