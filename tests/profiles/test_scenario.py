from pathlib import Path

import pytest

from profiles.compare import ALL_SCENARIOS
from profiles.errors import OomproofError
from profiles.scenario import load_scenario, scenario_names, with_load, with_upstream
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
        ("[load]\nmix = 'lazy'", "load.mix: 'lazy': 'lazy' is no mix. Use steady"),
        ("[load]\nmix = 'steady=-1'", "load.mix: 'steady=-1': '-1' is no weight"),
        ("[load]\nmix = 3", "load.mix: 3: Input should be a valid string"),
        ("[load]\nprocesses = 0", "load.processes: 0"),
        ("[upstream]\nlatency = '5-2'", "upstream.latency: '5-2': no range of seconds. Use"),
        ("[upstream]\nfaults = ['429', 'teapot']", "upstream.faults.1: 'teapot': no such fault. Use one of"),
        ("[upstream]\nfaults = ['429=2']", "upstream.faults.0: '429=2': the share is no number from 0 to 1"),
        ("[upstream]\nfaults = '429'", "upstream.faults: '429': Input should be a valid list"),
        ("[upstream]\nfault = ['429']", "upstream.fault: unknown key"),
        ("[vm]\nmemory = '4 gigs'", "vm.memory: '4 gigs': not a size"),
        ("[vm]\nswap = 0", "vm.swap: 0: not a size"),
        ("[expect]\nverdict = 'dead'", "expect.verdict: 'dead'"),
        ("[target.environment]\nALIGNERS = 0", "target.environment.ALIGNERS: 0"),
        ("[target.environment]\n'A=B' = '1'", "target.environment.A=B.[key]: 'A=B': no name of a variable"),
        ('[target.environment]\nA = "x\\u0000y"', "target.environment.A: 'x\\x00y': holds a zero byte"),
        ("[target.environment]\nAPI_KEY = 'x'", "target: environment.API_KEY: oomproof sets it itself"),
        ("[target]\ncommand = 'x'\nenvironment.PORT = '1'", "target: environment.PORT: oomproof sets it"),
        ('[target]\ncommand = "x\\u0000y"', "target.command: 'x\\x00y': holds a zero byte"),
        ("name = '../elsewhere'", "name: '../elsewhere': no name of a folder"),
        ("name = ''", "name: '': no name of a folder"),
        ("name = '..'", "name: '..': no name of a folder"),
        ("[load", "cannot be read: not TOML: "),
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


def test_a_scenario_file_that_is_not_there_is_told_as_one() -> None:
    """Who gives a path is not told of names."""
    with pytest.raises(
        OomproofError, match=r"^scenario /nowhere/mine\.toml: no such file\. Check its path\.$"
    ):
        load_scenario("/nowhere/mine.toml")


def test_an_unknown_scenario_lists_the_known_ones() -> None:
    """GIVEN a name that is none THEN the message lists what there is."""
    with pytest.raises(OomproofError, match=r"'lve': unknown. Choose one of .*live"):
        load_scenario("lve")


def test_a_scenario_may_name_its_own_memory(tmp_path: Path) -> None:
    """GIVEN vm.memory THEN the VM of fly.toml has that memory and keeps its CPU."""
    path = tmp_path / "small.toml"
    path.write_text('[vm]\nmemory = "1GB"\n')
    assert load_scenario(str(path)).vm_size(VmSize(4096, 2, 0.125)) == VmSize(1024, 2, 0.125)


def test_a_scenario_may_name_its_own_swap(tmp_path: Path) -> None:
    """GIVEN vm.swap THEN the VM has that much beside the memory it had; without it, none."""
    path = tmp_path / "swapping.toml"
    path.write_text('[vm]\nswap = "512MB"\n')
    assert load_scenario(str(path)).vm_size(VmSize(4096, 2, 0.125)) == VmSize(4096, 2, 0.125, swap_mb=512)
    assert load_scenario("live").vm_size(VmSize(4096, 2, 0.125)).swap_mb == 0


def test_an_option_overrides_the_file_and_is_checked_alike() -> None:
    """GIVEN options WHEN one is wrong THEN the line names the option."""
    scenario = load_scenario("live")
    assert with_load(scenario, readers=3, pace=None).load.readers == 3
    with pytest.raises(OomproofError, match="--session-s: 0"):
        with_load(scenario, session_s=0)


def test_what_reads_and_what_goes_wrong_stand_in_the_scenario(tmp_path: Path) -> None:
    """GIVEN a mix, processes, a latency and faults THEN they are read, and nothing of them is there unless given."""
    path = tmp_path / "mine.toml"
    path.write_text(
        "[load]\nmix = 'steady=3,restless=1,dialogue=0'\nprocesses = 2\n"
        "[upstream]\nlatency = '0.5-1'\nfaults = ['429=0.1', '503@30-60']\n"
    )
    scenario = load_scenario(str(path))
    assert (scenario.load.kinds, scenario.load.processes) == (("steady", "restless"), 2)
    assert scenario.model_dump()["upstream"] == {"latency": "0.5-1", "faults": ["429=0.1", "503@30-60"]}
    plain = load_scenario("live")
    assert (plain.load.kinds, plain.load.processes) == (("steady",), 1)
    assert plain.model_dump()["upstream"] == {"latency": "2-5", "faults": []}


def test_options_of_the_upstream_take_the_place_of_the_file_s(tmp_path: Path) -> None:
    """GIVEN a scenario with faults WHEN options name others THEN these count; a wrong one names its option."""
    path = tmp_path / "mine.toml"
    path.write_text("[upstream]\nlatency = '1'\nfaults = ['500']\n")
    scenario = load_scenario(str(path))
    assert with_upstream(scenario, None, []).upstream == scenario.upstream
    assert with_upstream(scenario, "0-1", ["hang=0.1"]).upstream.model_dump() == {
        "latency": "0-1",
        "faults": ["hang=0.1"],
    }
    with pytest.raises(OomproofError, match=r"^--fault: 'teapot': no such fault\. Use one of 429"):
        with_upstream(scenario, None, ["429", "teapot"])
    with pytest.raises(OomproofError, match=r"^--latency: '': no range of seconds\."):
        with_upstream(scenario, "", [])
