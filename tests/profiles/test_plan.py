import pytest

from profiles.compare import ALL_SCENARIOS
from profiles.errors import OomproofError
from profiles.plan import by_upstream, with_pregeneration
from profiles.scenario import load_scenario, with_load, with_upstream


def names(*chosen: str) -> list[str]:
    """The plan for some scenarios, by name."""
    return [scenario.name for scenario in with_pregeneration([load_scenario(name) for name in chosen])]


def test_pregeneration_is_made_once_before_the_first_who_needs_it() -> None:
    """GIVEN two scenarios that read chunks THEN one pre-generation comes before both."""
    assert names(*ALL_SCENARIOS) == ["live", "pregenerate", "cached-to-the-letter", "cached", "live-bounded"]


def test_nothing_is_pregenerated_for_who_does_not_need_it() -> None:
    """GIVEN live scenarios, or a plan that has it already THEN none is added."""
    assert names("live", "cached-without-cache") == ["live", "cached-without-cache"]
    assert names("pregenerate", "cached") == ["pregenerate", "cached"]


def test_pregeneration_makes_the_chapters_that_will_be_read() -> None:
    """GIVEN another load THEN the same seed, chapters and pace are pre-generated."""
    cached = with_load(load_scenario("cached"), seed=7, pace=2.0, chapters=3, blocks=5)
    made = with_pregeneration([cached])[0].load
    assert (made.kind, made.seed, made.pace, made.chapters, made.blocks) == ("pregenerate", 7, 2.0, 3, 5)


def test_a_store_is_made_without_faults_and_with_all_that_is_read_from_it() -> None:
    """GIVEN faults and a mix with dialogue THEN pre-generation has the latency and the dialogue, and no fault."""
    faulty = with_upstream(load_scenario("cached"), "1-2", ["429"])
    people = with_load(load_scenario("cached"), mix="steady=9,dialogue=1").model_copy(
        update={"name": "people"}
    )
    made = with_pregeneration([faulty, people])[0]
    assert made.upstream.model_dump() == {"latency": "1-2", "faults": []}
    assert "dialogue" in made.load.kinds


def test_a_setting_of_every_server_is_one_of_the_server_that_makes_the_store() -> None:
    """GIVEN a setting for all, and one of a scenario's own THEN the store is made with the first alone."""
    cached = load_scenario("cached")
    own = cached.target.model_copy(update={"environment": {"MAX_REQUESTS": "9"}})
    cached = cached.model_copy(update={"target": own})
    made = with_pregeneration([cached], {"PREPROCESS_CONCURRENCY": "8"})[0].target.environment
    assert made == load_scenario("pregenerate").target.environment | {"PREPROCESS_CONCURRENCY": "8"}


def test_one_store_is_not_made_of_different_documents() -> None:
    """GIVEN one scenario that reads dialogue alone and one that does not THEN they are to be compared apart."""
    alone = with_load(load_scenario("cached"), mix="dialogue").model_copy(update={"name": "alone"})
    with pytest.raises(
        OomproofError, match=r"'alone' and 'cached': they read different documents, .* apart\."
    ):
        with_pregeneration([load_scenario("cached"), alone])
    assert with_pregeneration([alone])[0].load.mix == "dialogue"


def test_scenarios_share_an_upstream_only_under_the_same_conditions() -> None:
    """GIVEN neighbours that differ in pace, seed, latency or faults THEN each such group has its own upstream."""
    live = load_scenario("live")
    others = [
        with_load(live, pace=2.0),
        with_load(live, pace=2.0, seed=9),
        with_upstream(live, "1", []),
        with_upstream(live, None, ["429"]),
        with_upstream(live, None, ["429", "500"]),
    ]
    assert [len(group) for group in by_upstream([live, load_scenario("live-bounded"), *others])] == [2] + [
        1
    ] * 5


def test_one_store_is_made_of_one_choice_of_chapters() -> None:
    """GIVEN scenarios that read chapters of other lengths THEN they are refused: one would miss its chunks."""
    cached = load_scenario("cached")
    short = with_load(cached.model_copy(update={"name": "short"}), blocks=3)
    with pytest.raises(OomproofError, match=r"'cached' and 'short': they read other chapters .* apart\."):
        with_pregeneration([cached, short])
