"""The text of one XHTML file of an EPUB. Nothing it names is fetched, and no entity of its own is expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

from lxml import etree

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details"}
    | {"dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "nav", "ol", "option"}
    | {"p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_SILENT = frozenset({"head", "script", "style", "template", "rt", "rp"})
"""Not read aloud; a ruby's reading would say its word twice."""

_SPACE = re.compile(r"[\s\ufeff]+")
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_OWN_DTD = re.compile(rb"<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.DOTALL)
"""HTML knows no declarations inside a document, and would show their end as text."""

_ENCODING = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})")


def xhtml_text(data: bytes) -> str:
    """Return the text, one line for each block element; an unreadable file is an empty string."""
    root = _parse(data)
    if root is None:
        return ""
    lines = "".join(_pieces(root)).split("\n")
    return "\n".join(line for line in (line.strip() for line in lines) if line)


def read_xml(data: bytes) -> etree._Element | None:
    """Return the root of a small XML file, its mistakes passed over; None where there is nothing to read."""
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    except etree.XMLSyntaxError:
        return None


def _parse(data: bytes) -> etree._Element | None:
    strict = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(_ENTITY.sub(_numbered, data), strict)
    except etree.XMLSyntaxError:
        pass  # a browser's rules lose less of a damaged file than XML's own recovery, which drops its end
    try:
        return etree.fromstring(_OWN_DTD.sub(b"", data, count=1), _html_parser(data))
    except etree.XMLSyntaxError:
        return None


def _html_parser(data: bytes) -> etree.HTMLParser:
    """Return a parser for the encoding that a file declares, if it is one and can be true."""
    declared = _ENCODING.match(data)
    name = declared[1].decode() if declared else "utf-8"
    if name.lower().startswith(("utf-16", "utf-32")):  # in which no declaration can be found byte by byte
        name = "utf-8"
    try:
        return etree.HTMLParser(encoding=name, no_network=True, huge_tree=True)
    except LookupError:
        return etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True)


def _numbered(entity: re.Match[bytes]) -> bytes:
    """Write a name that HTML knows as a number: XML knows five, and the DTD of the others is not fetched."""
    character = html5.get(f"{entity[1].decode()};")
    if character is None or entity[1] in _OF_XML:
        return entity[0]
    return "".join(f"&#{ord(char)};" for char in character).encode()


def _pieces(root: etree._Element) -> Iterator[str]:
    silent = preformatted = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = _name(element)
        if event == "start":
            silent += name in _SILENT
            preformatted += name == "pre"
        elif event == "end":
            silent -= name in _SILENT
            preformatted -= name == "pre"
        if name in _BLOCKS and not silent:
            yield "\n"
        text = element.text if event == "start" else element.tail
        if text and not silent:
            yield _shown(text, is_preformatted=preformatted > 0)


def _shown(text: str, *, is_preformatted: bool) -> str:
    text = text.replace("\u00ad", "")
    if is_preformatted:
        return "\n".join(_SPACE.sub(" ", line) for line in text.splitlines())
    return _SPACE.sub(" ", text)


def _name(element: etree._Element) -> str:
    tag = element.tag  # of a comment or the like it is a function
    return re.split("[}:]", tag)[-1].lower() if isinstance(tag, str) else ""
