"""The guides to Fly, held against the files that they speak of: apps, lines, alarms, commands, arithmetic."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from profiles import cli
from profiles.soak.options import HEADERS, ORGANISATION, TOKEN, WEBHOOK
from tests.image.dockerfile import parse

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "guide"
OPERATIONS = (GUIDE / "operations.md").read_text("utf-8")
PAGES = ("operations.md", "load-from-fly.md", "image.md")
FILES = ("fly.toml", "fly.live.toml", "fly.load.toml")


def read(name: str) -> dict[str, Any]:
    """One of the files."""
    return tomllib.loads((ROOT / name).read_text("utf-8"))


def rows(title: str, text: str = OPERATIONS) -> list[list[str]]:
    """The cells of the tables below a heading, without heads and lines."""
    section = re.split(r"^## ", text.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_apps_are_those_of_the_files() -> None:
    """GIVEN the guide's first table THEN it names each file with its app."""
    table = re.findall(r"^\| `(fly[\w.]*toml)` \| `([\w-]+)` \|", OPERATIONS, re.MULTILINE)
    assert dict(table) == {name: read(name)["app"] for name in FILES}


@pytest.mark.parametrize("page", PAGES)
def test_every_app_and_file_that_is_named_is_there(page: str) -> None:
    """GIVEN a command with an app or a file THEN we have it."""
    text = (GUIDE / page).read_text("utf-8")
    apps = {read(name)["app"] for name in FILES}
    assert set(re.findall(r"--app ([\w-]+)", text)) <= apps
    assert set(re.findall(r"--config (\S+)", text)) <= set(FILES)
    assert set(re.findall(r"https://([\w-]+)\.fly\.dev", text)) <= apps
    assert set(re.findall(r"--target (\w[\w-]+) ", text)) <= set(parse(ROOT / "Dockerfile").stages)


def test_every_deployment_asks_for_one_machine() -> None:
    """GIVEN a deployment of a server THEN it says --ha=false: Fly would make two, with a volume each."""
    commands = [line for page in PAGES for line in (GUIDE / page).read_text("utf-8").splitlines()]
    deployments = [line for line in commands if line.startswith("    fly deploy ")]
    assert len(deployments) >= 3
    assert all("--ha=false" in line for line in deployments)


@pytest.mark.parametrize("page", PAGES)
def test_a_group_is_scaled_in_the_app_that_has_it(page: str) -> None:
    """GIVEN `fly scale count GROUP=N` THEN it names the load's app: without, it takes fly.toml's, without groups."""
    text = (GUIDE / page).read_text("utf-8")
    commands = [line for line in re.findall(r"fly scale count [^`\n]+", text) if re.search(r"\w+=\d", line)]
    assert [line for line in commands if "--app oomproof-load " not in line] == []


def test_the_soak_is_asked_as_it_can_be() -> None:
    """GIVEN the guide's soak THEN the command line takes it, and the environment is what it reads."""
    (line,) = [line for line in OPERATIONS.splitlines() if line.startswith("    oomproof soak ")]
    chosen = cli._parser().parse_args(shlex.split(line)[1:])
    assert chosen.fly_app == read("fly.toml")["app"]
    assert chosen.target == f"https://{chosen.fly_app}.fly.dev"
    assert all(name in OPERATIONS for name in (TOKEN, ORGANISATION, HEADERS, WEBHOOK))


def test_every_alarm_has_something_to_do_and_no_other() -> None:
    """GIVEN the reference's alarms THEN the guide has a row for each."""
    reference = (ROOT / "docs" / "reference" / "soak.md").read_text("utf-8")
    known = [cells[0] for cells in rows("Alarms", reference) if cells[0].startswith("`")]
    assert len(known) >= 6
    told = [cells[0] for cells in rows("What an alarm means, and what to do")]
    assert sorted(told[1 : 1 + len(known)]) == sorted(known)  # below the head; another table follows


def test_the_lines_that_are_explained_are_in_the_file() -> None:
    """GIVEN `key = value` in the table of reasons THEN fly.toml has that line."""
    lines = {line.strip() for line in (ROOT / "fly.toml").read_text("utf-8").splitlines()}
    quoted = [
        code
        for cells in rows("Why fly.toml is as it is")
        for code in re.findall(r"`(\w+ = [^`]+)`", cells[0])
    ]
    assert len(quoted) >= 5
    assert set(quoted) <= lines


def dollars(text: str) -> float:
    """The first price in a cell."""
    return float(re.search(r"\$([\d.]+)", text)[1])  # type: ignore[index]  # no match is a failure too


def test_the_prices_follow_from_the_formula() -> None:
    """GIVEN the formula THEN each machine's price is what it gives, to ten cents."""
    formula = OPERATIONS.partition("30 days cost ")[2].partition("vCPUs / 4")[0]
    factor, vcpu, gb = map(float, re.findall(r"\d+\.\d+", formula))

    def price(vcpus: int, memory_gb: float) -> float:
        return factor * (vcpu * vcpus + gb * (memory_gb - vcpus / 4))

    options = [cells for cells in rows("What it costs") if re.match(r"shared-cpu-\dx, \d GB", cells[1])]
    assert len(options) == 5
    for cells in options:
        vcpus, memory_gb = (int(number) for number in re.findall(r"(\d+)(?:x| GB)", cells[1]))
        assert dollars(cells[2]) == pytest.approx(price(vcpus, memory_gb), abs=0.1)
    assert dollars(OPERATIONS.partition("1 GB (")[2]) == pytest.approx(price(2, 1), abs=0.1)
    volume = next(cells for cells in rows("What it costs") if cells[0] == "volume")
    size_gb = int(read("fly.toml")["mounts"][0]["initial_size"].removesuffix("gb"))
    assert dollars(volume[2]) == pytest.approx(dollars(volume[1]) * size_gb)
