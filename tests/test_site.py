"""The documentation as pages: all of it, strictly, and with nothing from elsewhere."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, sync_playwright

from docs.site.navigation import pages_below

ROOT = Path(__file__).parent.parent
SETTINGS = runpy.run_path(str(ROOT / "docs" / "site" / "conf.py"))
SECTIONS: list[str] = [page for _, page in SETTINGS["navigation"]]
FOLDERS = ("docs/guide", "docs/reference", "docs/decisions")
PHONE_WIDTH = 390
LOADED = {"src", "srcset", "poster", "data", "background"}

slow = pytest.mark.slow


def build(source: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Build pages as `make docs` does, with its own options."""
    told = re.search(r"sphinx-build (.*?) -d \S+ -c (\S+) \. build/docs ", (ROOT / "Makefile").read_text())
    assert told is not None
    kept = out.with_name(f"{out.name}-kept")
    command = [
        sys.executable, "-m", "sphinx", *shlex.split(told[1]), "-d", str(kept), "-c", str(ROOT / told[2]),
        *more, str(source), str(out),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Page(HTMLParser):
    """What a built page links to, what it loads, and the places in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = re.findall(r"url\(\s*[\"']?([^\"')]+)", self.text)
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where an element leads."""
        for name, value in attrs:
            plain = name.removeprefix("xlink:")
            if plain == "id":
                self.ids.add(value or "")
            elif plain == "href":
                (self.links if tag == "a" else self.loads).append(value or "")
            elif plain in LOADED and not name.startswith("data-"):
                self.loads.append(value or "")
            elif name == "content" and ("http-equiv", "refresh") in attrs:
                self.loads.append((value or "").partition("url=")[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of this repository; that they are built without a word is what every test here begins with."""
    out = tmp_path_factory.mktemp("site") / "pages"
    built = build(ROOT, out)
    assert (built.stdout, built.stderr, built.returncode) == ("", "", 0)
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page by its path, reports that came along as they are among them."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def is_elsewhere(address: str) -> bool:
    """Whether it is not of the site itself."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folders_front_page_lists_each_page(folder: str) -> None:
    """GIVEN a page in a folder of docs THEN the folder's README has a line for it, and no line twice."""
    listed = [f"{page}.md" for _, page in pages_below((ROOT / folder / "README.md").read_text("utf-8"))]
    there = {path.name for path in (ROOT / folder).glob("*.md")} - {"README.md"}
    assert there - set(listed) == set(), f"add `- [Title](page.md): what it says` to {folder}/README.md"
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_a_page_is_written_for_github_too(path: Path) -> None:
    """GIVEN a page of docs THEN it has none of MyST's own marks, which GitHub would show as they are."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^ *(?:```|~~~|:::)\{.*|^\(\S+\)=$|^\+\+\+.*", text, re.MULTILINE) == []


@slow
def test_every_page_is_in_the_menu(site: Path) -> None:
    """GIVEN all Markdown of docs, and all reports that a page is made of THEN the menu leads to each."""
    menu = (site / "README.html").read_text("utf-8").split('class="sidebar-tree"')[1].split("</aside>")[0]
    listed = {str(Path(page).with_suffix("")) for page in re.findall(r'href="([^"#]+)"', menu)}
    written = {str(path.relative_to(ROOT).with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}
    made = {str(path.relative_to(site).with_suffix("")) for path in (site / "reports").rglob("*.html")}
    assert written
    assert made - {"reports/index"}
    shown_by = {name for name in made if Path(name).name == "index"}
    assert (written | made) - shown_by - listed == set()


@slow
def test_a_folders_address_shows_its_front_page(site: Path, pages: dict[Path, Page]) -> None:
    """GIVEN the site, or a section's folder WHEN no page is named THEN its README is shown."""
    for folder in (".", *FOLDERS, "reports"):
        assert pages[site / folder / "index.html"].loads == ["README.html"]


@slow
def test_every_link_anchor_and_picture_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    """GIVEN the built pages THEN whatever leads into the site leads to a file of it, and to a place in that."""
    lost = []
    for page in pages.values():
        for address in (*page.links, *page.loads):
            parts = urlsplit(address)
            if is_elsewhere(address) or parts.scheme:
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            place = unquote(parts.fragment)
            known = not place or target not in pages or place in pages[target].ids
            if not (target.is_file() and target.is_relative_to(site.resolve()) and known):
                lost.append(f"{page.path.relative_to(site)}: {address}")
    assert lost == []


@slow
def test_pictures_of_the_reports_come_along(pages: dict[Path, Page]) -> None:
    """GIVEN the start page THEN its picture is a file of the site."""
    pictures = [load for page in pages.values() for load in page.loads if load.endswith((".png", ".svg"))]
    assert any(picture.endswith("memory.png") for picture in pictures)


@slow
def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    """GIVEN pages, reports and styles THEN none names a picture, script, style or font of another place."""
    loads = {str(page.path): page.loads for page in pages.values()}
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        loads[str(style)] = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"');]+)", text)
    assert any(name.endswith(".css") for name in loads)
    assert [(name, load) for name, found in loads.items() for load in found if is_elsewhere(load)] == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no browser here: chromium or google-chrome. .ci/install installs one")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as driver, driver.chromium.launch(executable_path=found, args=quiet) as running:
        yield running


@slow
def test_search_works_from_the_disk_alone(site: Path, browser: Browser) -> None:
    """GIVEN pages opened as files WHEN somebody searches THEN a page is found, and nothing else was asked for."""
    asked: list[str] = []
    complaints: list[str] = []
    with browser.new_page() as tab:
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto((site / "index.html").as_uri())
        tab.wait_for_url("**/README.html")
        tab.get_by_placeholder("Search").fill("Hodges")
        tab.keyboard.press("Enter")
        tab.locator("#search-results").get_by_role("link", name="Statistics").click()
        tab.wait_for_url("**/docs/statistics.html*")
    assert complaints == []
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


@slow
def test_pages_are_light_or_dark_and_fit_a_phone(site: Path, browser: Browser) -> None:
    """GIVEN a phone that asks for light, or dark THEN the page is that, and no wider than the phone."""
    shown: dict[str, str] = {}
    for scheme in ("light", "dark"):
        phone = {"width": PHONE_WIDTH, "height": 800}
        with browser.new_page(viewport=phone, color_scheme=scheme) as tab:  # type: ignore[arg-type]
            for name in ("README", "docs/reference/run-folder", "reports/compare/report"):
                tab.goto((site / f"{name}.html").as_uri())
                assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH, name
            shown[scheme] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shown["light"] != shown["dark"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of so many pages as the menu needs, one guide, and one file that is no page."""
    source = tmp_path / "repository"
    for section in ("README", *SECTIONS):
        path = source / f"{section}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {section}\n")
    (source / "docs/guide/README.md").write_text("# Guide\n\n- [A page](page.md): it says all\n")
    (source / "docs/guide/page.md").write_text(
        "# Page\n\n## Of *all*, all\n\n[See](#of-all-all) [it](../../Makefile)\n"
    )
    (source / "Makefile").write_text("all:\n")
    return source


@slow
def test_a_file_that_is_no_page_opens_from_the_site(small: Path, tmp_path: Path) -> None:
    """GIVEN a link to such a file THEN it came along; with an address of the repository the link leads there."""
    assert build(small, tmp_path / "out").returncode == 0
    here = Page(tmp_path / "out" / "docs" / "guide" / "page.html")
    (link,) = [link for link in here.links if link.endswith("/Makefile")]
    assert (here.path.parent / link).read_text() == "all:\n"
    at = "-Dfiles_at=https://code.example/blob/main/"
    assert build(small, tmp_path / "public", at).returncode == 0
    there = Page(tmp_path / "public" / "docs" / "guide" / "page.html")
    assert "https://code.example/blob/main/Makefile" in there.links
    assert not list((tmp_path / "public").rglob("Makefile"))


MISTAKES = {
    "[a page that is not there](gone.md)": "'gone.md'",
    "[a report that is not there](../../reports/gone/report.md)": "'../../reports/gone/report.md'",
    "[a place that is not on a page](README.md#gone)": "local id not found in doc 'docs/guide/README': 'gone'",
    "[a place that is not on this page](#gone-too)": "'gone-too'",
    "[a folder](../reference/)": "'../reference/'",
    "[a file that is not there](../../Gonefile)": "'../../Gonefile'",
    "![a picture that is not there](gone.png)": "image file not readable: docs/guide/gone.png",
}


@slow
def test_whatever_leads_nowhere_fails_the_build(small: Path, tmp_path: Path) -> None:
    """GIVEN pages with a mistake of each kind THEN each is told with its file and line, and the build has failed."""
    guide = small / "docs" / "guide"
    (guide / "page.md").write_text("\n".join(["# Page", "", *MISTAKES, ""]))
    (guide / "forgotten.md").write_text("# Nobody lists it\n")
    with (guide / "README.md").open("a") as front:
        front.write("- [Lost](lost.md)\n")
    failed = build(small, tmp_path / "out")
    assert failed.returncode == 1
    told = failed.stderr.splitlines()
    for mistake in MISTAKES.values():
        assert [line for line in told if mistake in line and "docs/guide/page.md:3: WARNING" in line], mistake
    assert [line for line in told if "forgotten.md" in line and "isn't included in any toctree" in line]
    assert [line for line in told if "nonexisting document 'docs/guide/lost'" in line]
