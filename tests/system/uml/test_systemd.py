"""A scope of systemd's, asked for by the command itself: on a machine that a real systemd runs."""

from pathlib import Path

import pytest

from tests.system.uml.guests import HERE, OOMPROOF, USER, InGuest, growing_server, judged, kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/lib/systemd/systemd").exists(), reason="no systemd: apt-get install systemd"
    ),
]

SCOPE = ("--backend", "systemd scope")


@pytest.mark.parametrize(("who", "uid"), [("user", USER), ("root", 0)])
def test_a_scope_of_systemds_has_a_real_limit(in_guest: InGuest, folder: Path, who: str, uid: int) -> None:
    """GIVEN systemd WHEN `oomproof run` asks it for a scope THEN the kernel kills in it, and the run says so."""
    (folder / "as").write_text(who)
    in_guest(
        *(*OOMPROOF, "run", growing_server(folder, "96MB"), *SCOPE, "--out", "/tmp/out-of-guest"),
        init=HERE / "systemd_init.sh",
        environment={"XDG_RUNTIME_DIR": f"/run/user/{uid}"},
    )
    verdict = judged(folder)
    assert verdict.verdict == "oom_killed"
    assert verdict.vm_backend == "systemd scope"
    assert verdict.victim_role == "server"
    assert [death["cause"] for death in verdict.deaths or ()] == ["memcg_kill"]
    (line,) = kills(folder)
    assert f"UID:{uid} " in line
    assert line in verdict.evidence
