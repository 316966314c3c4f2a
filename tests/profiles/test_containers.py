import json
from pathlib import Path

import pytest

from profiles.containers import container_ids, find_container
from profiles.errors import OomproofError
from tests.profiles.fake_machine import FakeMachine

ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
OTHER = "4f797d" + "0" * 58


@pytest.mark.parametrize(
    ("path", "group"),
    [
        (f"/docker/{ID}", f"/docker/{ID}"),
        (f"/{ID}", f"/{ID}"),
        (f"/system.slice/docker-{ID}.scope", f"/system.slice/docker-{ID}.scope"),
        (f"/system.slice/docker-{ID}.scope/init/worker", f"/system.slice/docker-{ID}.scope"),
        (f"/machine.slice/libpod-{ID}.scope/container", f"/machine.slice/libpod-{ID}.scope"),
        (f"/libpod_parent/libpod-{ID}", f"/libpod_parent/libpod-{ID}"),
        (
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
        ),
        (f"/kubepods/burstable/pod1-2-3/{ID}", f"/kubepods/burstable/pod1-2-3/{ID}"),
        (
            f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
            f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope",
        ),
        (
            f"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{ID}",
            f"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{ID}",
        ),
        (f"/kubepods.slice/crio-{ID}.scope", f"/kubepods.slice/crio-{ID}.scope"),
        (f"/default/{ID}", f"/default/{ID}"),
    ],
)
def test_a_container_is_known_by_its_group(path: str, group: str) -> None:
    """GIVEN the paths of Docker, Podman, containerd and CRI-O on both versions THEN the id, with its own group."""
    assert container_ids(path) == {ID: group}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/user.slice",
        f"/docker/{ID[:-1]}",
        f"/docker/{ID}0",
        f"/libpod-conmon-{ID}.scope",
        f"/docker/{ID.upper()}",
    ],
)
def test_what_is_no_container_is_none(path: str) -> None:
    """GIVEN other groups, such as that of Podman's monitor THEN none."""
    assert container_ids(path) == {}


def test_a_container_in_a_container_is_one_of_two() -> None:
    """GIVEN Docker in Docker THEN each id has its own group."""
    assert container_ids(f"/docker/{ID}/docker/{OTHER}") == {
        ID: f"/docker/{ID}",
        OTHER: f"/docker/{ID}/docker/{OTHER}",
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_container_is_found_by_the_beginning_of_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """GIVEN an id, whole or begun THEN its group; GIVEN a beginning that two share THEN that is said."""
    machine = FakeMachine(tmp_path, version)
    machine.process(7, group=f"/docker/{ID}")
    machine.process(8, group=f"/docker/{OTHER}")
    machine.process(9)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_container(ID, machine.proc) == find_container(ID[:12], machine.proc) == f"/docker/{ID}"
    with pytest.raises(OomproofError, match=r"^--container 4f797: no container has this id"):
        find_container("4f797", machine.proc)
    machine.process(10, group=f"/docker/{ID[:6]}{'1' * 58}")
    with pytest.raises(OomproofError, match=r"^--container 4f797c: 2 containers begin so\. Give more"):
        find_container("4f797c", machine.proc)


def client(folder: Path, name: str, script: str) -> None:
    """A made-up client of containers."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def told(**facts: object) -> str:
    """What `inspect` says."""
    return f"cat <<'END'\n{json.dumps([facts])}\nEND"


def test_a_name_is_asked_of_docker_or_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a name that Docker does not know, and Podman does THEN the group of that container."""
    machine = FakeMachine(tmp_path, "v2")
    machine.process(7, group=f"/machine.slice/libpod-{ID}.scope")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    client(tmp_path, "docker", "echo 'Error: No such container: web' >&2; exit 1")
    client(tmp_path, "podman", told(Id=ID, State={"Running": True, "Pid": 7}))
    assert find_container("web", machine.proc) == f"/machine.slice/libpod-{ID}.scope"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            "echo 'Error: No such container: web' >&2; exit 1",
            "docker: Error: No such container: web. Give its id",
        ),
        ("exit 125", "docker: ended with status 125"),
        ("echo nonsense", "docker: its answer cannot be read"),
        ("echo '[]'", "docker: its answer cannot be read"),
        (told(Id=ID, State={"Running": False, "Pid": 0}), "docker: web is not running"),
        (told(Id=OTHER, State={"Running": True, "Pid": 7}), "no process of it is to be seen here"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str
) -> None:
    """GIVEN a client that fails in any way THEN one line says how, and the way out."""
    machine = FakeMachine(tmp_path, "v2")
    machine.process(7, group=f"/docker/{ID}")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("profiles.containers.CLIENTS", ("docker",))
    client(tmp_path, "docker", script)
    with pytest.raises(OomproofError) as caught:
        find_container("web", machine.proc)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_client_there_is_nobody_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN neither Docker nor Podman THEN one line says what else can be given."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OomproofError, match="neither docker nor podman is here to ask"):
        find_container("web", FakeMachine(tmp_path, "v2").proc)
