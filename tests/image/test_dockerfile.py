"""The Dockerfile and what a build is given, as far as they can be read: hadolint's rules, and ours."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

from reference_server.settings import SECRET_VARIABLES, Settings
from tests.image.dockerfile import Dockerfile, Instruction, parse
from tests.image.dockerignore import Ignored, context

ROOT = Path(__file__).parents[2]
IMAGES = ("server", "fly", "load", "fly-load")
ORDINARY = ("server", "load")


@pytest.fixture(scope="module")
def dockerfile() -> Dockerfile:
    """The project's own."""
    return parse(ROOT / "Dockerfile")


def of_image(dockerfile: Dockerfile, name: str) -> list[Instruction]:
    """What makes an image, from its base up."""
    return [one for stage in dockerfile.lineage(name) for one in stage.instructions]


def everywhere(dockerfile: Dockerfile, name: str) -> list[Instruction]:
    """The instructions of one name in all stages."""
    return [one for stage in dockerfile.stages.values() for one in stage.instructions if one.name == name]


@pytest.mark.skipif(sys.platform != "linux", reason="hadolint's wheel is for Linux on x86-64")
@pytest.mark.parametrize(("text", "complaint"), [("", ""), ("FROM debian\nRUN cd /tmp\n", "DL3003")])
def test_hadolint_has_nothing_to_say(text: str, complaint: str, tmp_path: Path) -> None:
    """GIVEN the Dockerfile THEN hadolint finds nothing, warnings and hints included; in a bad one it does."""
    path = tmp_path / "Dockerfile" if text else ROOT / "Dockerfile"
    if text:
        path.write_text(text)
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", path], capture_output=True, text=True, check=False)
    assert (done.returncode, complaint in done.stdout) == (1 if complaint else 0, True), done.stdout


def test_the_server_is_built_unless_another_is_asked_for(dockerfile: Dockerfile) -> None:
    """GIVEN `docker build .` THEN it is the server's image, and every image stands on one base."""
    assert dockerfile.last.name == "server"
    bases = {dockerfile.lineage(name)[0].base for name in dockerfile.stages}
    assert bases == {dockerfile.arguments["PYTHON_IMAGE"]}


def test_the_base_is_the_python_that_everything_was_measured_with(dockerfile: Dockerfile) -> None:
    """GIVEN the base THEN it is a slim one, of the first Python that CI tests."""
    found = re.fullmatch(r"python:(3\.\d+)-slim-bookworm", dockerfile.arguments["PYTHON_IMAGE"])
    assert found
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"][0] == found[1]


@pytest.mark.parametrize("name", ORDINARY)
def test_it_runs_as_one_process_and_not_as_root(name: str, dockerfile: Dockerfile) -> None:
    """GIVEN an image THEN its command is no shell's, has no entry point before it, and a fixed user who is not root."""
    made = of_image(dockerfile, name)
    assert [one for one in made if one.name in {"ENTRYPOINT", "SHELL"}] == []
    (command,) = [one for one in made if one.name == "CMD"]
    assert command.is_exec_form
    assert command.words[0] not in {"sh", "bash", "/bin/sh", "uv", "tini", "env"}
    (user,) = [one for one in made if one.name == "USER"]
    assert re.fullmatch(r"1\d{4}:1\d{4}", user.value)
    after_user = made[made.index(user) :]
    assert not [one for one in after_user if one.name in {"RUN", "COPY"}]


@pytest.mark.parametrize(
    ("name", "as_in", "folder", "then"),
    [
        ("fly", "server", '"$DOCSTORE_DIR"', "python -m reference_server"),
        ("fly-load", "load", "/app/results", '"$@"'),
    ],
)
def test_on_fly_root_does_one_thing_and_becomes_another(
    name: str, as_in: str, folder: str, then: str, dockerfile: Dockerfile
) -> None:
    """GIVEN an image for Fly's volumes THEN root's part is one line, and ends by becoming the user and the command."""
    user, command = dockerfile.stages[name].instructions
    (ordinary,) = [one for one in dockerfile.stages[as_in].instructions if one.name == "USER"]
    assert (user.name, user.value) == ("USER", "0:0")
    assert command.words[:2] == ["sh", "-c"]
    hand_over, _, rest = command.words[2].partition(" && exec setpriv ")
    assert hand_over == f"chown {ordinary.value} {folder}"
    uid, _, gid = ordinary.value.partition(":")
    options = f"--reuid={uid} --regid={gid} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all"
    assert rest == f"{options} {then}"


def test_the_servers_command_and_checks_are_its_own(dockerfile: Dockerfile) -> None:
    """GIVEN the server's image THEN it starts as the docs say, and stops by the signal of fly.toml."""
    command = dockerfile.stages["server"].last("CMD")
    health = dockerfile.stages["serving"].last("HEALTHCHECK")
    assert command is not None
    assert command.words == ["python", "-m", "reference_server"]
    assert health is not None
    assert health.is_exec_form
    assert "/api/health'" in health.value
    signal = dockerfile.stages["runtime"].last("STOPSIGNAL")
    assert signal is not None
    assert signal.value == tomllib.loads((ROOT / "fly.toml").read_text("utf-8"))["kill_signal"]


def test_the_servers_environment_is_one_it_takes(dockerfile: Dockerfile) -> None:
    """GIVEN the image's environment THEN the server's settings take it, and its ports are those that are exposed."""
    stage = dockerfile.stages["serving"]
    environ, exposed = stage.last("ENV"), stage.last("EXPOSE")
    assert environ is not None
    assert exposed is not None
    settings = Settings.from_environ(dict(word.split("=", 1) for word in environ.words))
    assert (settings.host, str(settings.docstore_dir)) == ("0.0.0.0", "/app/docstore")
    assert [int(port) for port in exposed.words] == [settings.port, settings.metrics_port]


def test_no_secret_is_built_in(dockerfile: Dockerfile) -> None:
    """GIVEN all that is set in a build THEN no secret has a place there: it would stay in the image's history."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert not [name for name in (*SECRET_VARIABLES, "FLY_API_TOKEN") if name in text]
    assert not everywhere(dockerfile, "ARG")


def test_what_is_installed_is_known_by_hash_and_never_compiled(dockerfile: Dockerfile) -> None:
    """GIVEN every installation THEN each package has a hash, comes as a wheel, and nothing comes from elsewhere."""
    scripts = [one.value for one in everywhere(dockerfile, "RUN")]
    installs = [part for script in scripts for part in script.split("&&") if "pip install" in part]
    assert len(installs) == 3
    assert all("--require-hashes" in part for part in installs)
    assert all("--only-binary :all:" in part for part in installs if "uv pip" in part)
    assert not [
        script for script in scripts if re.search(r"\b(apt|apt-get|curl|wget|git|npm|make|gcc)\b", script)
    ]
    assert not everywhere(dockerfile, "ADD")


@pytest.mark.parametrize("name", IMAGES)
def test_no_tool_of_the_build_is_in_an_image(name: str, dockerfile: Dockerfile) -> None:
    """GIVEN an image THEN it stands on no stage with installers, takes /app alone, and loses the base's."""
    assert "tools" not in {stage.name for stage in dockerfile.lineage(name)}
    copies = [one for one in of_image(dockerfile, name) if one.name == "COPY"]
    files = "load-files" if name.endswith("load") else "server-files"
    assert [(one.flags["from"], *one.words) for one in copies] == [(files, "/app", "/app")]
    removal = next(one.value for one in dockerfile.stages["runtime"].instructions if one.name == "RUN")
    assert all(word in removal for word in ("site-packages/*", "ensurepip", "bin/pip*", "include"))


def test_a_build_is_given_what_it_copies_and_nothing_else(dockerfile: Dockerfile) -> None:
    """GIVEN .dockerignore THEN a build sees all that is copied, and nothing that is not: no secret, no report."""
    copies = [one for one in everywhere(dockerfile, "COPY") if "from" not in one.flags]
    copied = {source for one in copies for source in one.words[:-1]}
    given = list(context(ROOT))
    assert all(any(name == source or name.startswith(f"{source}/") for name in given) for source in copied)
    copied.add("Dockerfile")
    assert [name for name in given if not any(f"{name}/".startswith(f"{source}/") for source in copied)] == []
    assert "reference_server/page/index.html" in given


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("reference_server/app.py", False),
        ("reference_server/page/index.html", False),
        ("reference_server/__pycache__/app.cpython-311.pyc", True),
        ("loadtests/scenarios/live.toml", False),
        ("requirements/server.txt", False),
        ("requirements/dev.txt", True),
        (".env", True),
        ("reports/runs/1/run.json", True),
        ("reference_server2/app.py", True),
        ("fly.toml", True),
    ],
)
def test_what_is_ignored(path: str, *, ignored: bool) -> None:
    """GIVEN a path THEN .dockerignore says whether a build is given it."""
    assert Ignored((ROOT / ".dockerignore").read_text("utf-8"))(path) is ignored


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("*.py", "a.py", True),
        ("*.py", "b/a.py", False),
        ("**/*.py", "b/c/a.py", True),
        ("b", "b/c/a.py", True),
        ("b\n!b/c", "b/c/a.py", False),
        ("!b/c\nb", "b/c/a.py", True),
        ("*.py[co]", "a.pyc", True),
        ("# b", "b", False),
    ],
)
def test_patterns_are_read_as_docker_reads_them(patterns: str, path: str, *, ignored: bool) -> None:
    """GIVEN Docker's documented rules THEN ours decide alike: the last that matches, folders whole, * in one folder."""
    assert Ignored(patterns)(path) is ignored


def test_a_dockerfile_is_read_as_it_is_meant(tmp_path: Path) -> None:
    """GIVEN comments, continued lines, flags and both forms of a command THEN each is what Docker would take it for."""
    path = tmp_path / "Dockerfile"
    path.write_text(
        "ARG BASE=debian:12\nFROM ${BASE} AS one\nRUN a && \\\n    # why\n    b\n"
        'FROM one AS two\nCOPY --from=one /x /y\nHEALTHCHECK --interval=3s CMD ["a", "b c"]\nCMD ["a"]\n'
    )
    found = parse(path)
    assert [(stage.name, stage.base) for stage in found.lineage("two")] == [
        ("one", "debian:12"),
        ("two", "one"),
    ]
    assert found.stages["one"].instructions[0] == Instruction("RUN", {}, "a && b", 3)
    copy, health, command = found.last.instructions
    assert (copy.flags, copy.words) == ({"from": "one"}, ["/x", "/y"])
    assert (health.flags, health.is_exec_form, command.words) == ({"interval": "3s"}, True, ["a"])
