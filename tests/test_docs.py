"""The docs are held against the code: flags, settings, keys, exit codes and links."""

import argparse
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from loadtests.options import FLAGS, NOT_ON_THE_PAGE
from profiles import cli, errors
from profiles.scenario import Scenario, scenario_names
from reference_server.health import health_routes
from reference_server.metrics import metrics_routes
from reference_server.openapi import openapi_routes
from reference_server.routes_cached import cached_routes
from reference_server.routes_documents import document_routes
from reference_server.routes_events import event_routes
from reference_server.routes_live import live_routes
from reference_server.routes_page import page_routes
from reference_server.routes_store import store_routes
from reference_server.settings import Settings

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def first_cells(page: str) -> set[str]:
    """Everything in back quotes in the first cell of a table's row."""
    rows = (
        line for line in (REFERENCE / page).read_text(encoding="utf-8").splitlines() if line.startswith("|")
    )
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row.split("|")[1])}


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    actions = cli._parser()._actions
    found = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def test_every_command_and_option_is_in_the_reference_and_no_other() -> None:
    """GIVEN the parser THEN the tables of the CLI page name the same commands and options."""
    documented = {cell.split()[0] for cell in first_cells("cli.md") if not cell.isdecimal()}
    options = {
        option
        for parser in subcommands().values()
        for action in parser._actions
        for option in action.option_strings
        if option not in {"-h", "--help"}
    }
    assert documented == options | set(subcommands())


def test_every_exit_code_is_in_the_reference_and_no_other() -> None:
    """GIVEN the codes in errors.py THEN the table lists them."""
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert documented == {value for name, value in vars(errors).items() if name.startswith("EXIT_")}


def keys(model: type, prefix: str = "") -> Iterator[str]:
    """The keys of a scenario file, dotted."""
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]  # a pydantic model
        kind = field.annotation
        key = prefix + (field.alias or name)
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            yield from keys(kind, f"{key}.")
        else:
            yield key


def test_every_option_of_the_load_is_in_the_reference_and_no_other() -> None:
    """GIVEN the options that our locustfile adds THEN the table lists them, with who may set them where."""
    assert {cell for cell in first_cells("load.md") if cell.startswith("--")} == set(FLAGS)
    text = (REFERENCE / "load.md").read_text(encoding="utf-8")
    only_here = set(re.findall(r"^\| `(--[a-z-]+)` \|[^|]*\| no \|", text, re.MULTILINE))
    assert only_here == set(NOT_ON_THE_PAGE.values())


def test_every_scenario_and_key_is_in_the_reference_and_no_other() -> None:
    """GIVEN the scenario files and their model THEN the tables list the same names and keys."""
    assert first_cells("scenarios.md") == set(keys(Scenario)) | set(scenario_names())


def test_every_setting_of_the_server_is_in_the_reference_and_no_other() -> None:
    """GIVEN the server's settings THEN the table lists their variables."""
    names = {field.name.upper() for field in dataclasses.fields(Settings)}
    expected = {"TTS_CACHE_TTL_MS" if name == "TTS_CACHE_TTL_S" else name for name in names}
    assert first_cells("settings.md") == expected


def test_every_route_of_the_server_is_in_the_reference_and_no_other() -> None:
    """GIVEN the server's routes THEN the table lists each with its method."""
    watching = [*page_routes(), *health_routes(), *metrics_routes(), *openapi_routes(), *event_routes()]
    routes = [*watching, *document_routes(), *cached_routes(), *live_routes(), *store_routes()]
    served = {
        f"{method} {route.path.replace(':int', '')}"
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert first_cells("routes.md") == served


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """GIVEN a relative link or picture THEN the file is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_make_target_that_the_docs_name_is_there() -> None:
    """GIVEN `make NAME` in the docs THEN the Makefile has that target."""
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(
            re.findall(r"(?:^    |`)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        )
        assert named <= targets, page.name
