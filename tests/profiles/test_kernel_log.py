"""Single messages of the kernel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.kernel_log import (
    Constraint,
    KernelKill,
    Task,
    name_of,
    parse_chosen,
    parse_constraint,
    parse_kill,
    parse_limit_of,
    parse_table,
    parse_task,
)

MEMCG = (
    "Memory cgroup out of memory: Killed process 7558 (python) total-vm:139840kB, anon-rss:130688kB, "
    "file-rss:6068kB, shmem-rss:0kB, UID:0 pgtables:308kB oom_score_adj:0"
)
WHOLE = "Out of memory: Killed process 680 (next-server (v1) total-vm:22kB, anon-rss:3145728kB, file-rss:0kB"
ALLOCATING = "Out of memory (oom_kill_allocating_task): Killed process 9 (sh) total-vm:9kB, anon-rss:1024kB"
OLD = "Killed process 215701, UID 679, (java) total-vm:11017300kB, anon-rss:7152432kB, file-rss:1232kB"
RHEL = "Killed process 77 (a, b), UID 5, total-vm:30kB, anon-rss:2048kB, file-rss:0kB, shmem-rss:0kB"


@pytest.mark.parametrize(
    ("message", "kill"),
    [
        (MEMCG, KernelKill(7558, "python", 127.6, whole_machine=False, line=MEMCG, rss_mb=133.6)),
        (WHOLE, KernelKill(680, "next-server (v1", 3072.0, whole_machine=True, line=WHOLE, rss_mb=3072.0)),
        (ALLOCATING, KernelKill(9, "sh", 1.0, whole_machine=True, line=ALLOCATING)),
        (OLD, KernelKill(215701, "java", 6984.8, whole_machine=None, line=OLD, rss_mb=6986.0)),
        (RHEL, KernelKill(77, "a, b", 2.0, whole_machine=None, line=RHEL, rss_mb=2.0)),
    ],
)
def test_a_kill_message_names_its_victim(message: str, kill: KernelKill) -> None:
    """GIVEN a message of a group's or a machine's kill, of new kernels and old THEN victim and size are read."""
    assert parse_kill(message) == kill


@pytest.mark.parametrize(
    "message",
    [
        "",
        "python invoked oom-killer: gfp_mask=0xcc0",
        "Killed process",
        "Out of memory: Killed process",
        MEMCG[:40],
        "Out of memory: OOM victim 7 (python) is already exiting. Skip killing the task",
        "Memory cgroup out of memory: Kill process 7 (python) score 900 or sacrifice child",
        "oom_reaper: reaped process 7 (python), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
        "Out of memory and no killable processes...",
        f"worker: {MEMCG}",
    ],
)
def test_other_messages_are_no_kills(message: str) -> None:
    """GIVEN a message that names no victim, or quotes one THEN nothing is made up."""
    assert parse_kill(message) is None


@pytest.mark.parametrize("name", ["python", "next-server (v1", "a) b", "x) total-vm:1kB", "(", ") ("])
@given(data=st.data())
def test_a_kill_that_was_cut_off_anywhere_is_never_another(name: str, data: st.DataObject) -> None:
    """GIVEN a kill's message cut after any byte THEN it is no kill, or that one with less known of it."""
    message = MEMCG.replace("(python)", f"({name})")
    whole = parse_kill(message)
    assert whole is not None
    cut = parse_kill(message[: data.draw(st.integers(0, len(message)))])
    assert whole.comm == name
    if cut is not None:
        assert (cut.pid, cut.whole_machine) == (whole.pid, whole.whole_machine)
        assert cut.comm in {None, whole.comm}
        assert cut.anon_rss_mb in {None, whole.anon_rss_mb}


def test_the_constraint_message_names_the_group_whose_limit_was_hit() -> None:
    """GIVEN the kernel's `oom-kill:` message THEN pid and groups are read: another group's kill is not ours."""
    message = (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/oomproof-7557,task_memcg=/oomproof-7557/sub,task=python,pid=7558,uid=0"
    )
    assert parse_constraint(message) == Constraint(
        7558, "/oomproof-7557", "/oomproof-7557/sub", whole_machine=False
    )
    assert parse_constraint(MEMCG) is None
    assert parse_constraint(message.removesuffix(",uid=0")) is None


def test_a_name_in_a_constraint_is_not_taken_for_its_fields() -> None:
    """GIVEN a process that calls itself `a,pid=1,uid=2` THEN the pid is the kernel's."""
    message = (
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
        "global_oom,task_memcg=/x,y,task=a,pid=1,uid=2,pid=77,uid=0"
    )
    assert parse_constraint(message) == Constraint(77, None, "/x,y", whole_machine=True)


def test_older_kernels_say_their_choice_and_its_limit_in_other_words() -> None:
    """GIVEN messages of kernels before 5.0 THEN they are read too."""
    chosen = "Memory cgroup out of memory: Kill process 5 (java) score 854 or sacrifice child"
    assert parse_chosen(chosen) == (5, False)
    assert parse_chosen(chosen.replace("Memory cgroup out", "Out")) == (5, True)
    assert parse_limit_of("Task in /a/b killed as a result of limit of /a") == ("/a/b", "/a")


@pytest.mark.parametrize(
    ("heading", "row", "task"),
    [
        (
            "[ pid ] uid  tgid total_vm rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
            "[25329]   0 25329    65438    64395    62912     1483         0   561152        0             0 py 3",
            Task(25329, "py 3", 251.5),
        ),
        (
            "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
            "[  3261]     0  3261  4726385  3349389 26939392        0             0 oom01",
            Task(3261, "oom01", 13083.6),
        ),
        (
            "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name",
            "[ 3893]     0  3893     1655       22       8       3        0             0 stress",
            Task(3893, "stress", 0.1),
        ),
        (
            "[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
            "[ 1046]  1066  1040   228537    95491   3       0             0 apache2",
            Task(1040, "apache2", 373.0),
        ),
    ],
    ids=["6.9", "4.16", "4.1", "2.6.36"],
)
def test_task_tables_are_read_by_their_heading(heading: str, row: str, task: Task) -> None:
    """GIVEN the tables of several kernels, whose columns differ THEN process, name and size are read."""
    columns = parse_table(heading)
    assert columns is not None
    assert parse_task(row, columns) == task
    assert parse_task(row[:30], columns) is None


def test_a_name_reads_as_written_and_moves_no_cursor() -> None:
    """GIVEN escaped bytes THEN spaces and letters are what they were, control characters stay escaped."""
    assert name_of(r"a\x20b") == "a b"
    assert name_of(r"caf\xc3\xa9") == "café"
    assert name_of(r"x\x1b[2J\x0a") == r"x\x1b[2J\x0a"
    assert name_of(r"half\xc3") == "half�"
