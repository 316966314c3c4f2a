"""A Dockerfile's steps carried out without Docker: as root, on this machine's own system in place of the base image.

Each stage is a layer of overlayfs on the one below, each RUN a shell in a `chroot` and a process namespace of its own,
word for word as it stands in the Dockerfile. What is started has process 1, the user, the environment, the folder and
the command of the image. The base is this machine's `/usr`, to be read only, a copy of its `/etc`, and in `/usr/local`
the Python that runs the tests, where the official image has it, without its compiled files. Nothing else is there.

So it does not show: what the real base image holds or lacks (a system library: see `test_requirements.py`), other
processors, the size of the image, how Docker or Fly.io starts it, a limit of memory, a network of its own.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.image.dockerfile import Dockerfile, Instruction, expanded
from tests.image.dockerignore import context

_MARK = ".replayed"
_PACKAGE_CACHE = "root/.cache/uv"
_ENTER = """set -eu
options=$1 root=$2 cache=$3 volume=$4 place=$5 user=$6; shift 6
mount --make-rprivate /
mount -t overlay overlay -o "$options" "$root"
test -e "$root/.replayed"
for path in /usr/*; do
    if [ -d "$path" ] && [ "$path" != /usr/local ]; then mount --bind -o ro "$path" "$root$path"; fi
done
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
if [ -n "$cache" ]; then mount --bind "$cache" "$root/PACKAGE_CACHE"; fi
if [ -n "$volume" ]; then mount --bind "$volume" "$root$place"; fi
exec chroot --userspec="$user" --groups="${user#*:}" "$root" env -i "$@"
""".replace("PACKAGE_CACHE", _PACKAGE_CACHE)
"""Nothing is run but inside: without the mark of the base there, or without `chroot`, the script ends."""

_FROM_HERE = (
    "PIP_",
    "UV_",
    "SSL_",
    "REQUESTS_",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "no_proxy",
)
"""Of this machine's environment, what a build needs to find packages."""


def why_not() -> str:
    """Return why nothing can be replayed here, or nothing."""
    if os.geteuid() != 0:
        return "a replay of the Dockerfile needs root"
    if not (Path(sys.base_prefix) / "lib").is_dir() or sys.base_prefix == "/usr":
        return "a replay of the Dockerfile needs a Python in a folder of its own, not the system's"
    return ""


@dataclass(frozen=True)
class Image:
    """What a stage has come to: `layers` from the highest down, and what its instructions set."""

    layers: tuple[Path, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"

    @property
    def files(self) -> Path:
        """Where the files are that this stage itself has added."""
        return self.layers[0]

    def enter(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, volume: Path | None = None
    ) -> list[str]:
        """Return the command that runs another inside, as process 1, on a layer of its own.

        A volume is where the image keeps its documents, or else where it works.
        """
        name = f"run-{sum(1 for _ in self.folder.iterdir())}"
        upper, work, root = (self.folder / name / part for part in ("upper", "work", "root"))
        for path in (upper, work, root):
            path.mkdir(parents=True)
        options = f"lowerdir={_joined(self.layers)},upperdir={upper},workdir={work}"
        place = self.environment.get("DOCSTORE_DIR", self.workdir)
        where = [options, str(root), "", str(volume or ""), place]
        return self._enter(where, [*self.entry_point, *command], environment or {})

    def _enter(self, where: list[str], command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        variables = [f"{name}={value}" for name, value in {**self.environment, **environment}.items()]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "replay"]
        return [*unshare, *where, self.user, f"--chdir={self.workdir}", *variables, *command]

    def build_step(self, script: str) -> None:
        """Run a script in a shell, and keep in the highest layer what it changes."""
        work, root = self.folder / "work", self.folder / "root"
        for path in (work, root):
            path.mkdir(exist_ok=True)
        # Without a lower layer there is none to lay on: an empty folder stands for it.
        lower = _joined(self.layers[1:]) or str(_made(self.folder / "nothing"))
        options = f"lowerdir={lower},upperdir={self.files},workdir={work}"
        here = {name: value for name, value in os.environ.items() if name.startswith(_FROM_HERE)}
        here |= {"HOME": "/root", "UV_CACHE_DIR": f"/{_PACKAGE_CACHE}"}
        line = self._enter([options, str(root), _package_cache(), "", ""], ["/bin/sh", "-c", script], here)
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"


class Replay:
    """The stages of a Dockerfile, built as they are asked for, in a folder that may be thrown away."""

    def __init__(self, dockerfile: Dockerfile, source: Path, folder: Path) -> None:
        self._dockerfile = dockerfile
        self._source = source
        self._folder = folder
        self._files = list(context(source))
        self._built: dict[str, Image] = {}

    def image(self, name: str) -> Image:
        """Return a stage, or the base image under any other name."""
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    def _build(self, name: str) -> Image:
        folder = self._folder / f"{len(self._built)}-{name.replace('/', '-').replace(':', '-')}"
        upper = folder / "files"
        upper.mkdir(parents=True)
        if name not in self._dockerfile.stages:
            return _base(Image((upper,), folder))
        stage = self._dockerfile.stages[name]
        below = self.image(stage.base)
        image = replace(below, layers=(upper, *below.layers), folder=folder)
        for one in stage.instructions:
            image = self._carry_out(image, one)
        return image

    def _carry_out(self, image: Image, one: Instruction) -> Image:
        if one.name == "RUN":
            image.build_step(one.value)
        elif one.name == "COPY":
            self._copy(image, one)
        elif one.name == "WORKDIR":
            _made(image.files / one.value.lstrip("/"))
        return replace(image, **_told(image, one))

    def _copy(self, image: Image, one: Instruction) -> None:
        *sources, to = one.words
        if "from" in one.flags:
            (source,) = sources
            origin = self.image(one.flags["from"]).files / source.lstrip("/")
            assert not any(stat.S_ISCHR(path.lstat().st_mode) for path in origin.rglob("*")), "a removed file"
            shutil.copytree(
                origin, image.files / to.lstrip("/"), symlinks=True, copy_function=os.link, dirs_exist_ok=True
            )
            return
        target = image.files / (image.workdir + "/" + to if not to.startswith("/") else to).lstrip("/")
        for source in sources:
            inside = [name for name in self._files if name == source or name.startswith(f"{source}/")]
            assert inside, f"line {one.line}: the build is given no {source}"
            for name in inside:
                is_file = name == source
                place = target / (Path(name).name if is_file else Path(name).relative_to(source))
                place = target if is_file and not to.endswith("/") else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._source / name, place)
                shutil.chown(place, "root", "root")


def _told(image: Image, one: Instruction) -> dict[str, Any]:
    """Return the fields of the image that an instruction sets."""
    match one.name:
        case "ENV":
            pairs = (expanded(word, image.environment).split("=", 1) for word in one.words)
            return {"environment": {**image.environment, **dict(pairs)}}
        case "WORKDIR" | "USER":
            return {one.name.lower(): one.value}
        case "STOPSIGNAL":
            return {"stop_signal": one.value}
        case "CMD" | "ENTRYPOINT":
            told = {
                "entry_point": tuple(one.words),
                "command": (),
            }  # as Docker: what stood below is no command of it
            return told if one.name == "ENTRYPOINT" else {"command": tuple(one.words)}
        case "HEALTHCHECK":
            return {"health": tuple(replace(one, value=one.value.removeprefix("CMD ")).words)}
        case "RUN" | "COPY" | "EXPOSE":
            return {}
        case other:
            raise AssertionError(f"line {one.line}: {other} is not replayed")


def _joined(layers: Sequence[Path]) -> str:
    return ":".join(map(str, layers))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _package_cache() -> str:
    """Where uv keeps packages on this machine: with it a build takes seconds, and asks nobody."""
    uv = Path(sys.executable).with_name("uv")
    found = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    return str(_made(Path(found)))


def _base(image: Image) -> Image:
    """Make what stands for the base image: a system, and Python in `/usr/local`."""
    files = image.files
    (files / _MARK).touch()
    for name in ("dev", "proc", "run", "tmp", "var/tmp", "usr/local/bin", "usr/local/lib", _PACKAGE_CACHE):
        (files / name).mkdir(parents=True)
    for name in ("tmp", "var/tmp"):
        (files / name).chmod(0o1777)
    (files / "root").chmod(0o700)
    for path in Path("/usr").iterdir():
        if path.is_dir() and not (files / "usr" / path.name).exists():
            (files / "usr" / path.name).mkdir()
    for path in Path("/").iterdir():
        if path.is_symlink() and str(path.readlink()).startswith("usr/"):
            (files / path.name).symlink_to(path.readlink())
    shutil.copytree("/etc", files / "etc", symlinks=True)
    _copy_python(Path(sys.base_prefix), files / "usr" / "local", "python{}.{}".format(*sys.version_info))
    search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    image = replace(image, environment={"PATH": search})
    image.build_step("ldconfig")
    return image


def _copy_python(prefix: Path, local: Path, python: str) -> None:
    kept = {"pip", "setuptools", "wheel"}

    def left_out(folder: str, names: list[str]) -> set[str]:
        unwanted = {name for name in names if name in {"__pycache__", "test", "tests"}}
        if Path(folder).name == "site-packages":
            unwanted |= {name for name in names if name.partition("-")[0] not in kept}
        return unwanted

    shutil.copytree(prefix / "lib" / python, local / "lib" / python, symlinks=True, ignore=left_out)
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy(library, local / "lib", follow_symlinks=False)
    shutil.copy(prefix / "bin" / python, local / "bin")
    (local / "bin" / "pip").write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    (local / "bin" / "pip").chmod(0o755)
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to(python)
