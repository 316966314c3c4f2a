"""English and French: by the browser's language, changed by the switch at any time, and nothing left in the other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.stand import Stand

PAGE = Path(__file__).parents[2] / "reference_server" / "page"
TEXT = r'"(?:[^"\\]|\\.)*"'
SAID = rf'{TEXT}|\{{(?:[^"{{}}]|{TEXT})*\}}'
PAIR = re.compile(rf'(?:"([\w.]+)"|\b(\w+)): \[\s*({SAID}),\s*({SAID}),?\s*\]')
VARIANT = re.compile(rf"\b(one|other): ({TEXT})")


def words(variant: str = "other") -> dict[str, tuple[str, str]]:
    """Each key of the page with its text in English and in French; where there are variants by number, this one."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(PAGE.glob("words_*.js")):
        for quoted, plain, *pair in PAIR.findall(path.read_text(encoding="utf-8")):
            texts = [text if text[0] == '"' else dict(VARIANT.findall(text))[variant] for text in pair]
            found[quoted or plain] = (ast.literal_eval(texts[0]), ast.literal_eval(texts[1]))
    return found


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """One document, which is made."""
    stand = make_stand()
    stand.upload("doc", paragraphs(*map(sentence, range(3))), "Doc.txt")
    stand.make("doc")
    return stand


def test_every_text_has_both_languages_and_the_same_placeholders() -> None:
    """GIVEN the words THEN none is missed or empty in one language alone, and both name the same values."""
    every = words()
    assert len(every) > 150
    for path in PAGE.glob("words_*.js"):
        keys = re.findall(r'^  "?([\w.]+)"?: ', path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(keys) <= set(every), path
    for key, (english, french) in every.items():
        assert bool(english) == bool(french), key
        assert sorted(re.findall(r"\{(\w+)\}", english)) == sorted(re.findall(r"\{(\w+)\}", french)), key
        assert list(map(bool, words("one")[key])) == [bool(english), bool(french)], key


def test_french_marks_do_not_begin_a_line() -> None:
    """GIVEN the French words THEN no plain space, at which a line may break, stands before a mark or within quotes."""
    every = [*words().items(), *words("one").items()]
    wrong = {key: french for key, (_, french) in every if re.search(r" [:;?!»]|« ", french)}
    assert wrong == {}


def test_every_key_that_the_page_uses_is_there() -> None:
    """GIVEN the keys in the page and its modules THEN each has words."""
    every = words()
    used: set[str] = set()
    for path in [*PAGE.glob("*.js"), PAGE / "index.html"]:
        text = path.read_text(encoding="utf-8")
        if not path.name.startswith("words_"):
            used |= set(re.findall(r'data-t(?:-label)?="([\w.]+)"', text))
            used |= set(re.findall(r'\b(?:say|label|notify|t)\([^)"]*?"([a-z_]+\.[\w.]+)"', text))
            used |= set(re.findall(r'\b(?:key|titleKey): "([\w.]+)"', text))
    assert len(used) > 60
    assert used - set(every) == set()


def test_every_error_of_the_server_has_a_sentence() -> None:
    """GIVEN the codes that the routes' reference lists THEN the page has words for each that a browser can meet."""
    routes = (PAGE.parents[1] / "docs" / "reference" / "routes.md").read_text(encoding="utf-8")
    table = routes.partition("| status | codes |")[2].partition("\n\n")[0]
    codes = set(re.findall(r"`([A-Z_]+[A-Z0-9]+)`", table)) - {
        "MAX_DOCUMENT_BYTES",
        "HEADER_TIMEOUT_S",
        "BODY_TIMEOUT_S",
    }
    assert len(codes) > 25
    assert {code for code in codes if f"error.{code}" not in words()} == set()


@pytest.mark.parametrize(
    ("locale", "language", "title"),
    [("en-US", "en", "Library"), ("fr-CA", "fr", "Bibliothèque"), ("de-DE", "en", "Library")],
)
def test_the_browsers_language_is_the_pages(
    stand: Stand, visit: Visit, locale: str, language: str, title: str
) -> None:
    """GIVEN a browser's language WHEN the page is opened THEN it speaks it, or English where it is neither."""
    reader = visit(stand, locale=locale).open()
    expect(reader.at("html")).to_have_attribute("lang", language)
    expect(reader.at("#library-title")).to_have_text(title)


def test_the_switch_translates_all_that_is_shown_and_is_remembered(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is read WHEN the language is changed THEN all is French, reading goes on, and stays so."""
    reader = visit(stand).read("doc")
    reader.play()
    english = visible_texts(reader.script(VISIBLE))
    reader.at("#language").click()
    expect(reader.at("html")).to_have_attribute("lang", "fr")
    expect(reader.at("#mode")).to_have_text("En cache")
    expect(reader.at("#pregenerate")).to_have_text("Pré-généré ✓")
    expect(reader.at("#play")).to_have_attribute("aria-label", "Pause")
    reader.until_it_sounds()
    same = {key for key, (one, other) in words().items() if one == other}
    only_english = {one for key, (one, other) in words().items() if key not in same and "{" not in one}
    only_english -= {other for _, other in words().values()}
    french = visible_texts(reader.script(VISIBLE))
    assert english & only_english
    assert french & only_english == {"Français"} & french
    reader.page.reload()
    expect(reader.at("#mode")).to_have_text("En cache")


VISIBLE = """() => {
    const texts = [];
    for (const node of document.querySelectorAll("body *")) {
        if (!node.checkVisibility() || node.closest("#text, #documents, #title, option")) continue;
        if (!node.firstElementChild) texts.push(node.textContent.trim());
        for (const name of ["aria-label", "title"]) texts.push(node.getAttribute(name) ?? "");
    }
    return texts;
}"""


def visible_texts(texts: list[str]) -> set[str]:
    """The texts and labels on show, each once."""
    return {text for text in texts if text}


def test_numbers_and_sizes_are_written_as_the_language_does(stand: Stand, visit: Visit) -> None:
    """GIVEN French WHEN sizes and speeds are shown THEN they have a comma and octets."""
    reader = visit(stand, locale="fr-FR").read("doc")
    expect(reader.at('#rate option[value="1.25"]')).to_contain_text("1,25")
    reader.at("#settings-button").click()
    expect(reader.at("#store-stats")).to_contain_text("sur 5 Go")
    expect(reader.at("#meter-server")).to_contain_text("Mo")


def test_two_tabs_have_the_same_language(stand: Stand, visit: Visit) -> None:
    """GIVEN two tabs WHEN the language is changed in one THEN it is in the other too."""
    reader = visit(stand).open()
    other = reader.page.context.new_page()
    other.goto(reader.url + "/")
    expect(other.locator("#library-title")).to_have_text("Library")
    reader.at("#language").click()
    expect(other.locator("#library-title")).to_have_text("Bibliothèque")


def test_numbers_choose_the_word_and_names_stand_for_themselves(stand: Stand, visit: Visit) -> None:
    """GIVEN numbers, and a name that turns what follows WHEN they are in a sentence THEN it is right around them."""
    reader = visit(stand).open()
    say = """([key, values]) => import("/page/i18n.js").then(({t, bytes}) =>
        t(key, {...values, ...(values.bytes && {size: bytes(values.bytes)})}))"""

    def said(key: str, **values: object) -> str:
        return str(reader.script(say, [key, values]))

    assert [said("library.pages", count=count) for count in (0, 1, 2)] == ["0 pages", "1 page", "2 pages"]
    assert said("library.size", bytes=107) == "107 bytes"
    assert said("delete.done", name="\u202etxt.exe") == "“\u2068\u202etxt.exe\u2069” was deleted."
    assert said("delete.done", name="a\u2069b") == "“\u2068ab\u2069” was deleted."
    reader.at("#language").click()
    assert [said("library.pages", count=count) for count in (0, 1, 2)] == ["0 page", "1 page", "2 pages"]
    assert said("cache.partial", done=1, total=3) == "1 page sur 3 pré-générée"
    expect(reader.at('#documents [data-id="doc"] .delete')).to_have_attribute(
        "aria-label", "Supprimer Doc.txt"
    )


def test_a_text_from_right_to_left_begins_at_the_right(stand: Stand, visit: Visit) -> None:
    """GIVEN a Hebrew text WHEN a block is spoken THEN its bar is at the right, and at the left of an English one."""
    stand.upload("hebrew", paragraphs("שלום עולם, זה משפט קצר.", sentence(1)), "שלום.txt")
    reader = visit(stand).read("hebrew")
    widths = (
        """block => [getComputedStyle(block).borderLeftWidth, getComputedStyle(block).borderRightWidth]"""
    )
    assert reader.block(0).evaluate(widths) == ["0px", "4px"]
    assert reader.block(1).evaluate(widths) == ["4px", "0px"]
