"""The text of an XHTML file: every block element on lines of its own, and nothing from outside the file."""

from pathlib import Path

import pytest

from reference_server.xhtml_text import read_xml, xhtml_text


def _xhtml(body: str, declared: str = "utf-8") -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?><html xmlns="http://www.w3.org/1999/xhtml">'
    return f"{head}<head><title>Title</title><style>p</style></head><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\nTwo."),
        ("<h1>Head</h1>text<div>in <i>a</i>nd <b>out</b></div>tail", "Head\ntext\nin and out\ntail"),
        ("<p>A line\n   wrapped\there.</p>", "A line wrapped here."),
        ("<p>verse<br/>by verse</p>", "verse\nby verse"),
        ("<ul><li>one</li><li>two</li></ul><dl><dt>t</dt><dd>d</dd></dl>", "one\ntwo\nt\nd"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1\n2"),
        ("<pre>a  b\n\n c</pre>", "a b\nc"),
        ("<p>a<!-- no -->b<?no pi?>c</p><script>no()</script><style>no</style>", "abc"),
        ("<ruby>漢<rp>(</rp><rt>no</rt><rp>)</rp></ruby>字", "漢字"),
        ("<p>caf&eacute;&nbsp;&mdash; x &amp; y &lt; z &#233;</p>", "café — x & y < z é"),
        ("<p>exam\u00adple</p>", "example"),
        ("<p><![CDATA[a < b]]></p>", "a < b"),
        ('<svg:svg xmlns:svg="s"><svg:text>drawn</svg:text></svg:svg>', "drawn"),
        ('<a id="x"/><p>kept</p>', "kept"),
        ("", ""),
    ],
)
def test_what_is_read_aloud_of_it(body: str, text: str) -> None:
    """Text of every kind is there once, in order; what is no text is not."""
    assert xhtml_text(_xhtml(body)) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<html><body><p>one<p>two</body></html>", "one\ntwo"),
        (_xhtml("<p>A & B<br>c</p><p>tail</p>"), "A & B\nc\ntail"),
        (_xhtml("<p>mark\x01ed</p><p>tail</p>"), "mark\x01ed\ntail"),
        (_xhtml("<p>a &unknown; b<br></p>"), "a &unknown; b"),
        (_xhtml("<div>" * 300 + "deep" + "</div>" * 300 + "<p>after</p>"), "deep\nafter"),
        (b"just words", "just words"),
    ],
)
def test_a_damaged_file_loses_nothing(data: bytes, text: str) -> None:
    """GIVEN mistakes that XML does not forgive WHEN the file is read THEN all its text is there."""
    assert xhtml_text(data) == text


@pytest.mark.parametrize("data", [b"", b"   ", b"<", b"\xff\xfe\x00", b"<div>" * 100_000])
def test_what_cannot_be_read_has_no_text(data: bytes) -> None:
    """GIVEN no XHTML at all WHEN it is read THEN nothing is raised."""
    assert isinstance(xhtml_text(data), str)


@pytest.mark.parametrize("end", ["<br/>", "<br>"])
@pytest.mark.parametrize("declared", ["iso-8859-1", "utf-8", "windows-1252"])
def test_the_declared_encoding_counts(declared: str, end: str) -> None:
    """GIVEN an encoding WHEN the file is read, well-formed or not THEN its letters are right."""
    data = _xhtml(f"<p>café{end}</p>", declared).decode().encode(declared)
    assert xhtml_text(data) == "café"


@pytest.mark.parametrize("declared", ["bogus", "utf-16", "unicode_escape", "idna", "utf-32"])
def test_an_encoding_that_cannot_be_is_utf_8(declared: str) -> None:
    """GIVEN a declaration that cannot be true WHEN the file is read THEN it is UTF-8."""
    assert xhtml_text(_xhtml("<p>café</p>", declared)) == "café"


def test_utf_16_is_read() -> None:
    """GIVEN a file in UTF-16 with its mark WHEN it is read THEN its text is there."""
    text = '<?xml version="1.0" encoding="utf-16"?><html><body><p>é</p></body></html>'
    assert xhtml_text(text.encode("utf-16")) == "é"


@pytest.mark.parametrize("is_well_formed", [True, False])
def test_no_entity_of_the_file_s_own_is_expanded(tmp_path: Path, is_well_formed: bool) -> None:  # noqa: FBT001
    """GIVEN a file from outside and a bomb as entities WHEN the file is read THEN neither appears."""
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    bombs = "".join(f'<!ENTITY a{at + 1} "{f"&a{at};" * 10}">' for at in range(12))
    dtd = f'<!DOCTYPE html [<!ENTITY a0 "lol">{bombs}<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    body = "<p>b&a12;c&x;d</p>" + ("" if is_well_formed else "<p>")
    text = xhtml_text(f"{dtd}<html><body>{body}</body></html>".encode())
    assert "lol" not in text
    assert "SECRET" not in text
    assert (text[0], text[-1]) == ("b", "d")


def test_the_files_about_the_book_are_read_with_mistakes() -> None:
    """GIVEN a mistake WHEN a small XML file is read THEN the rest is there; nothing at all is None."""
    root = read_xml(b"<package><item id='a'/>&bad;<item id='b'></package>")
    assert root is not None
    assert [item.get("id") for item in root.iter("{*}item")] == ["a", "b"]
    assert read_xml(b"") is None
    assert read_xml(b"no xml") is None
