from pathlib import Path

import pytest

from profiles.compare import ALL_SCENARIOS
from profiles.errors import OomproofError
from profiles.scenario import load_scenario, scenario_names, with_load
from profiles.vm_size import VmSize


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_that_comes_with_the_project_is_whole(name: str) -> None:
    """Each file parses and says in words what it is."""
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.description.endswith(".")


def test_a_comparison_changes_one_thing() -> None:
    """The compared scenarios have the same readers, pace, text and seed; mode and settings differ."""
    loads = [load_scenario(name).load.model_copy(update={"mode": "live"}) for name in ALL_SCENARIOS]
    assert all(load == loads[0] for load in loads)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("readers = 3", "readers: unknown key"),
        ("[load]\nreaders = 'many'", "load.readers: 'many'"),
        ("[load]\nreaders = 0", "load.readers: 0"),
        ("[load]\npace = -1", "load.pace: -1"),
        ("[load]\nmode = 'fast'", "load.mode: 'fast'"),
        ("[load]\nkind = 'probe'\nmode = 'hybrid'", "load.mode: 'hybrid': a probe asks for one block"),
        ("[load]\nkindd = 'readers'", "load.kindd: unknown key"),
        ("[vm]\nmemory = '4 gigs'", "vm.memory: '4 gigs': not a size"),
        ("[expect]\nverdict = 'dead'", "expect.verdict: 'dead'"),
        ("[target.environment]\nALIGNERS = 0", "target.environment.ALIGNERS: 0"),
        ("[load", "cannot be read"),
    ],
)
def test_a_mistake_names_file_key_and_value(tmp_path: Path, text: str, complaint: str) -> None:
    """GIVEN a scenario with a mistake THEN one line names the file, the key and the value."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(OomproofError) as caught:
        load_scenario(str(path))
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["live", "cached"])
def test_a_probe_takes_the_modes_that_ask_for_one_block(tmp_path: Path, mode: str) -> None:
    """GIVEN a probe in live or cached mode THEN it is a scenario."""
    path = tmp_path / "probe.toml"
    path.write_text(f"[load]\nkind = 'probe'\nmode = '{mode}'\n")
    assert load_scenario(str(path)).load.mode == mode


def test_hybrid_has_the_load_of_cached_and_starts_with_an_empty_store() -> None:
    """GIVEN the two scenarios THEN readers, pace, text and aligners are the same; hybrid makes its own chunks."""
    hybrid, cached = load_scenario("hybrid"), load_scenario("cached")
    assert hybrid.load == cached.load.model_copy(update={"mode": "hybrid"})
    assert hybrid.target.environment == cached.target.environment
    assert not hybrid.target.pregenerated


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    """GIVEN a name that is none THEN the message lists what there is."""
    with pytest.raises(OomproofError, match=r"'lve': unknown. Choose one of .*live"):
        load_scenario("lve")


def test_a_scenario_may_name_its_own_memory(tmp_path: Path) -> None:
    """GIVEN vm.memory THEN the VM of fly.toml has that memory and keeps its CPU."""
    path = tmp_path / "small.toml"
    path.write_text('[vm]\nmemory = "1GB"\n')
    assert load_scenario(str(path)).vm_size(VmSize(4096, 2, 0.125)) == VmSize(1024, 2, 0.125)


def test_an_option_overrides_the_file_and_is_checked_alike() -> None:
    """GIVEN options WHEN one is wrong THEN the line names the option."""
    scenario = load_scenario("live")
    assert with_load(scenario, readers=3, pace=None).load.readers == 3
    with pytest.raises(OomproofError, match="--session-s: 0"):
        with_load(scenario, session_s=0)
