"""Markdown is read as what it says, not as how it is written."""

import pytest

from reference_server.blocks import split_blocks
from reference_server.markdown_text import markdown_pages
from reference_server.plain_text import PAGE_CHARACTERS


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        ("# Head\nText *in* **bold** `code` ~~old~~.", ["Head", "Text in bold code old."]),
        ("Under\n=====\n\nlined", ["Under", "lined"]),
        ("- one\n- two\n  - three\n\n1. four", ["one", "two", "three", "four"]),
        ("| a | b |\n|---|---|\n| c | d |", ["a", "b", "c", "d"]),
        ("> quoted\n> on", ["quoted on"]),
        ("wrapped\nline  \nbroken\\\nagain", ["wrapped line broken again"]),
        ("[link](http://a.b 'title') ![image *alt*](x.png)", ["link image alt"]),
        ("<http://example.org/a>", ["- (link to example.org) -"]),
        ("```python\nprint(1)\n\nprint(2)\n```", ["print(1)", "print(2)"]),
        ("    indented", ["indented"]),
        ("a <b class='x'>bold</b> word", ["a bold word"]),
        ("<div align='center'>\n<p>kept</p><!-- no -->\n</div>", ["kept"]),
        ("<script>\nno()\n</script>\n\nyes", ["yes"]),
        ("<style>\nno\n", []),
        ("a &amp; b &eacute; \\*", ["a & b é"]),
        ("---\n\n***", []),
        ("[ref]: http://a.b\n\nsee [it][ref]", ["see it"]),
        ("", []),
    ],
)
def test_what_is_read_aloud_of_it(source: str, blocks: list[str]) -> None:
    """Every text is there once, each paragraph, item and cell by itself, and no mark-up."""
    found = [block for page in markdown_pages(source) for block in split_blocks(page)]
    assert found == blocks


def test_it_has_pages_as_a_text_has() -> None:
    """GIVEN more than a page WHEN it is cut THEN at a paragraph's end."""
    source = "\n\n".join(["word " * 200] * 7)
    pages = list(markdown_pages(source))
    assert len(pages) == 3
    assert all(len(page) <= PAGE_CHARACTERS + 10 for page in pages)


@pytest.mark.parametrize(
    "source", ["[" * 20_000, ">" * 20_000 + "a", "*a " * 10_000, "<" * 20_000, "- " * 5000]
)
def test_hostile_marks_end(source: str) -> None:
    """GIVEN marks that nest without end WHEN read THEN it ends, and nothing is raised."""
    assert list(markdown_pages(source)) is not None
