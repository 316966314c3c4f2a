"""The three fly.toml, held against the server's settings, the default VM, the image, and what flyctl knows."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from loadtests.upstream import DEFAULT_PORT
from profiles.vm_size import VmSize, parse_memory_mb, read_fly_toml
from reference_server.__main__ import _SHUTDOWN_GRACE_S
from reference_server.alignment_worker import LONGEST_S
from reference_server.guard import HEALTH_PATHS, METRICS_PATH
from reference_server.health import LEAST_FREE_BYTES, get_health, health_routes
from reference_server.settings import SECRET_VARIABLES, Settings
from tests.image.dockerfile import parse

ROOT = Path(__file__).parent.parent
SERVERS = ("fly.toml", "fly.live.toml")
FILES = (*SERVERS, "fly.load.toml")
GB = 1_000_000_000

KNOWN_TO_FLYCTL = re.compile(
    r"app|primary_region|kill_signal|kill_timeout|build\.(dockerfile|build-target)|deploy\.strategy|env\.\w+"
    r"|processes\.\w+|mounts\.(source|destination|initial_size|processes)"
    r"|http_service\.(internal_port|force_https|auto_stop_machines|auto_start_machines)"
    r"|http_service\.concurrency\.(type|soft_limit)|http_service\.http_options\.idle_timeout"
    r"|http_service\.checks\.(method|path|interval|timeout|grace_period)"
    r"|checks\.\w+\.(type|port|method|path|interval|timeout|grace_period)"
    r"|metrics\.(port|path)|restart\.(policy|retries|processes)|vm\.(size|memory|processes)"
)
"""Keys that stand in flyctl's `internal/appconfig` and in Fly's reference of fly.toml, as far as ours have them."""


def read(name: str) -> dict[str, Any]:
    """One of the files."""
    return tomllib.loads((ROOT / name).read_text("utf-8"))


def settings(name: str) -> Settings:
    """What the server makes of a file's environment."""
    return Settings.from_environ(read(name)["env"])


def keys(value: object, place: str = "") -> Iterator[str]:
    """All keys that have a value, dotted; those of a list's entries alike."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            for key, inner in entry.items():
                yield from keys(inner, f"{place}.{key}" if place else key)
        else:
            yield place


def seconds(text: str) -> int:
    """A time as the checks have it."""
    return int(re.fullmatch(r"(\d+)s", text)[1])  # type: ignore[index]  # no match is a failure too


@pytest.mark.parametrize("name", FILES)
def test_flyctl_knows_every_key(name: str) -> None:
    """GIVEN a file THEN each key is one that flyctl reads: it passes over others in silence, or stops."""
    assert [key for key in keys(read(name)) if not KNOWN_TO_FLYCTL.fullmatch(key)] == []


@pytest.mark.parametrize("name", SERVERS)
def test_the_server_takes_the_environment(name: str) -> None:
    """GIVEN [env] THEN each variable is a setting, with a value the server takes, and none of them is a secret."""
    env = read(name)["env"]
    assert {variable.lower() for variable in env} <= set(Settings.__dataclass_fields__)
    assert not SECRET_VARIABLES & set(env)
    assert settings(name).docstore_dir.is_absolute()


@pytest.mark.parametrize("name", SERVERS)
def test_ports_and_paths_are_those_the_server_has(name: str) -> None:
    """GIVEN what Fly asks and where THEN the server answers there: readers, checks and metrics, on every address."""
    fly, server = read(name), settings(name)
    assert server.host == "0.0.0.0"
    assert fly["http_service"]["internal_port"] == server.port
    assert (fly["metrics"]["port"], fly["metrics"]["path"]) == (server.metrics_port, METRICS_PATH)
    (mount,) = fly["mounts"]
    assert mount["destination"] == str(server.docstore_dir)
    (routed,), (ready,) = fly["http_service"]["checks"], fly["checks"].values()
    assert {routed["path"], ready["path"]} == HEALTH_PATHS
    assert (ready["type"], ready["port"]) == ("http", server.metrics_port)


@pytest.mark.parametrize("name", SERVERS)
def test_who_is_alive_is_routed_to_and_who_cannot_store_is_only_told(name: str) -> None:
    """GIVEN the check that readers are routed by THEN a full disk does not fail it: the server still reads to them."""
    fly = read(name)
    always_200 = next(route.path for route in health_routes() if route.endpoint is get_health)  # type: ignore[attr-defined]
    assert [check["path"] for check in fly["http_service"]["checks"]] == [always_200]
    for check in (*fly["http_service"]["checks"], *fly["checks"].values()):
        assert 0 < seconds(check["timeout"]) < seconds(check["interval"]) < seconds(check["grace_period"])


@pytest.mark.parametrize("name", SERVERS)
def test_the_volume_has_room_for_what_the_server_may_keep(name: str) -> None:
    """GIVEN the store's limit THEN nine tenths of the volume hold it, large documents, and what must stay free."""
    server = settings(name)
    (mount,) = read(name)["mounts"]
    size_bytes = parse_memory_mb(mount["initial_size"]) // 1024 * GB
    needed = server.store_max_bytes + 10 * server.max_document_bytes + LEAST_FREE_BYTES
    assert size_bytes * 9 // 10 > needed


@pytest.mark.parametrize("name", FILES)
def test_the_end_has_its_time_and_a_signal_that_is_handled(name: str) -> None:
    """GIVEN a stop THEN the signal is SIGINT, and a machine of an eighth of a core has time for more than the grace."""
    fly = read(name)
    assert fly["kill_signal"] == "SIGINT"
    assert 5 * _SHUTDOWN_GRACE_S < fly["kill_timeout"] <= 300


@pytest.mark.parametrize("name", SERVERS)
def test_it_is_the_vm_that_everything_is_measured_in(name: str) -> None:
    """GIVEN [[vm]] THEN it is 4096 MB and two shared vCPUs without swap, one machine, restarted as on a crash."""
    fly = read(name)
    assert read_fly_toml(ROOT / name) == VmSize(memory_mb=4096, cpus=2, share_of_core=0.125)
    assert "swap_size_mb" not in fly
    assert fly["restart"] == [{"policy": "on-failure", "retries": 10}]
    assert fly["deploy"]["strategy"] == "rolling"  # a volume allows no other that waits for checks


@pytest.mark.parametrize("name", SERVERS)
def test_nothing_stops_a_machine_that_makes_chunks_ahead_nor_starts_one_that_was_given_up(name: str) -> None:
    """GIVEN a job without a connection, or ten deaths in a row THEN Fly's proxy leaves the machine as it is."""
    service = read(name)["http_service"]
    assert (service["auto_stop_machines"], service["auto_start_machines"]) == ("off", False)


@pytest.mark.parametrize("name", SERVERS)
def test_the_proxy_gives_up_after_the_server_does(name: str) -> None:
    """GIVEN readers who wait THEN the server's own limits are met first: its patience, and how many it serves."""
    service = read(name)["http_service"]
    assert service["http_options"]["idle_timeout"] > LONGEST_S
    assert "hard_limit" not in service["concurrency"]
    assert service["concurrency"]["soft_limit"] < settings(name).max_requests
    assert service["force_https"] is True


def test_the_live_app_differs_in_its_name_and_its_aligners_alone() -> None:
    """GIVEN both apps THEN they are the same machine with the same settings, but for the bound that is the fix."""
    cached, live = read("fly.toml"), read("fly.live.toml")
    assert (cached["env"].pop("ALIGNERS"), live["env"].pop("ALIGNERS")) == ("1", "0")
    assert cached.pop("app") + "-live" == live.pop("app")
    assert cached == live


@pytest.mark.parametrize(
    ("name", "scenario"), [("fly.toml", "cached"), ("fly.toml", "hybrid"), ("fly.live.toml", "live")]
)
def test_the_aligners_are_those_of_the_scenarios(name: str, scenario: str) -> None:
    """GIVEN a mode that is compared on this machine THEN its app on Fly has the same bound."""
    told = tomllib.loads((ROOT / "loadtests" / "scenarios" / f"{scenario}.toml").read_text("utf-8"))
    assert int(told["target"]["environment"]["ALIGNERS"]) == settings(name).aligners


@pytest.mark.parametrize("name", FILES)
def test_each_is_built_from_a_stage_of_the_dockerfile(name: str) -> None:
    """GIVEN [build] THEN the file and the stage are there."""
    build = read(name)["build"]
    assert build["build-target"] in parse(ROOT / build["dockerfile"]).stages


def test_the_apps_find_each_other() -> None:
    """GIVEN names on Fly's private network THEN they are those of the apps and groups, with the right ports."""
    load = read("fly.load.toml")
    inside = f"process.{load['app']}.internal"
    for name in SERVERS:
        speech = urlsplit(settings(name).api_base)
        assert (speech.hostname, speech.port, speech.path) == (f"speech.{inside}", DEFAULT_PORT, "/v1")
    commands = {group: shlex.split(command) for group, command in load["processes"].items()}
    assert commands["worker"][-2:] == ["--master-host", f"master.{inside}"]
    assert (
        commands["master"][commands["master"].index("--host") + 1]
        == f"https://{read('fly.toml')['app']}.fly.dev"
    )
    for group, option in (("master", "--web-host"), ("speech", "--host")):
        assert commands[group][commands[group].index(option) + 1] == "::"  # Fly's private network is IPv6


def test_the_loads_groups_have_a_machine_and_a_rule_each() -> None:
    """GIVEN the load's groups THEN each has its VM and its restarts: a master is never started anew by itself."""
    load = read("fly.load.toml")
    groups = set(load["processes"])
    for section in ("vm", "restart"):
        named = [group for entry in load[section] for group in entry["processes"]]
        assert sorted(named) == sorted(groups)
    policies = {group: entry["policy"] for entry in load["restart"] for group in entry["processes"]}
    assert policies == {"master": "never", "worker": "on-failure", "speech": "on-failure"}
    sizes = {group: entry["size"] for entry in load["vm"] for group in entry["processes"]}
    assert all(sizes[group].startswith("performance-") for group in ("worker", "speech"))
    assert "http_service" not in load  # no address that anybody could reach
    assert "services" not in load


def test_the_masters_files_are_on_its_volume() -> None:
    """GIVEN where the master writes THEN it is the folder of the volume: a root disk does not outlive a restart."""
    load = read("fly.load.toml")
    (mount,) = load["mounts"]
    assert mount["processes"] == ["master"]
    workdir = parse(ROOT / "Dockerfile").stages["load"].last("WORKDIR")  # on which fly-load stands
    assert workdir is not None
    assert mount["destination"] == workdir.value
    assert "--requests-file" not in load["processes"]["master"]
