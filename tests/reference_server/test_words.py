from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.words import WordTime, alignment_json, dump_words, load_words, map_words

TEXTS = st.text(alphabet=st.sampled_from("abcXYZé09 .,'\"_-—\n"), max_size=80)
HEARD = st.lists(
    st.tuples(
        st.text(alphabet="abcxyzé09 .'", max_size=8),
        st.floats(0, 40, allow_nan=False),
        st.floats(0, 40, allow_nan=False),
    ),
    max_size=25,
)


def _spoken(text: str) -> list[tuple[str, float, float]]:
    return [(" " + word, 0.5 * i, 0.5 * i + 0.4) for i, word in enumerate(text.split())]


@given(TEXTS, HEARD)
def test_words_are_in_order_and_lie_in_the_text(text: str, heard: list[tuple[str, float, float]]) -> None:
    """Whatever was heard, words come in the order of the text, at their places, and time never runs back."""
    words = map_words(text, heard)
    assert all(text[word.char_start : word.char_end] == word.text for word in words)
    assert all(0 <= word.start_s <= word.end_s for word in words)
    assert all(a.char_end <= b.char_start for a, b in pairwise(words))
    assert all(a.start_s <= b.start_s and a.end_s <= b.end_s for a, b in pairwise(words))


@given(st.lists(st.text(alphabet="abcxyz", min_size=1, max_size=8), min_size=1, max_size=30))
def test_a_text_heard_as_it_is_keeps_every_time(vocabulary: list[str]) -> None:
    """When the words heard are those of the text, each keeps the time at which it was heard."""
    text = " ".join(vocabulary)
    spoken = _spoken(text)
    words = map_words(text, spoken)
    assert [word.text for word in words] == vocabulary
    assert [word.start_s for word in words] == pytest.approx([start for _, start, _ in spoken])
    assert [word.end_s for word in words] == pytest.approx([end for _, _, end in spoken])


def test_case_and_punctuation_do_not_matter() -> None:
    """A word heard without its marks is the word of the text that has them."""
    words = map_words('The "with" Statement.', [("the", 0, 1), ("with", 1, 2), ("statement", 2, 3)])
    assert words == [
        WordTime("The", 0, 1, 0, 3),
        WordTime('"with"', 1, 2, 4, 10),
        WordTime("Statement.", 2, 3, 11, 21),
    ]


def test_other_words_heard_share_their_time_by_length() -> None:
    """A span heard as something else is divided among the text's words in proportion to their length."""
    words = map_words("the execution of it", [("the", 0, 1), ("executioner", 1, 2.1), ("it", 3, 4)])
    assert [(word.start_s, word.end_s) for word in words] == [(0, 1), (1, 1.9), (1.9, 2.1), (3, 4)]


def test_words_that_were_not_heard_share_the_silence() -> None:
    """Words with no counterpart take the silence between their neighbours."""
    words = map_words("one two six nine", [("one", 0, 1), ("nine", 2, 3)])
    assert [(word.text, word.start_s, word.end_s) for word in words][1:3] == [
        ("two", 1, 1.5),
        ("six", 1.5, 2),
    ]


def test_words_with_no_room_are_left_out() -> None:
    """Without a silence to put it in, or with nothing heard after it, a word gets no invented time."""
    heard = [("one", 0.0, 1.0), ("nine", 1.0, 2.0)]
    assert [word.text for word in map_words("one two nine ten", heard)] == ["one", "nine"]


def test_a_word_in_parts_is_one_word() -> None:
    """A word that is heard in parts begins with the first and ends with the last."""
    words = map_words("a run-time_error here", [("a", 0, 1), ("run", 1, 2), ("time", 2, 3), ("error", 3, 4)])
    assert words[1] == WordTime("run-time_error", 1, 4, 2, 16)


@pytest.mark.parametrize(("text", "heard"), [("", []), ("word", []), ("", [("word", 0.0, 1.0)]), ("— …", [])])
def test_nothing_to_map_gives_no_words(text: str, heard: list[tuple[str, float, float]]) -> None:
    """An empty text, nothing heard, and marks that are not spoken give no words."""
    assert map_words(text, heard) == []


def test_the_wire_shape_is_the_contract_s() -> None:
    """The answer is one sentence, the block, and its words with seconds and character indexes."""
    assert alignment_json("Hi.", [WordTime("Hi.", 0.1, 0.4, 0, 3)]) == {
        "alignments": [
            {
                "sentence": "Hi.",
                "sentenceIndex": 0,
                "words": [{"text": "Hi.", "startSec": 0.1, "endSec": 0.4, "charStart": 0, "charEnd": 3}],
            }
        ]
    }


@given(TEXTS)
def test_words_survive_the_pipe(text: str) -> None:
    """What one process dumps another loads, on one line."""
    words = map_words(text, _spoken(text))
    assert load_words(dump_words(words)) == words
    assert "\n" not in dump_words(words)


@pytest.mark.parametrize("line", ["", "{", "7", "[7]", '[["a", 1]]'])
def test_other_lines_are_refused(line: str) -> None:
    """A line that holds no words raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011  (the message is json's own in some cases)
        load_words(line)
