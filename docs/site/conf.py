"""How `make docs` makes pages of the README, docs/ and the published reports. The source is the repository itself.

What Sphinx warns of is an error there (`-W`): a link, an anchor or a picture that leads nowhere, a page in no list.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # where the two extensions are

project = "oomproof"
language = "en"
extensions = ["myst_parser", "navigation", "repository_files"]

root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "docs/**.md", "reports/**.md",
]  # fmt: skip
exclude_patterns = [".*", "build", "reports/runs"]  # not even looked into

# The first level of the menu. What is below it stands in these pages themselves: their lists of links.
navigation = [
    ("Guide", "docs/guide/README"),
    ("Reference", "docs/reference/README"),
    ("Explanation", "docs/explanation"),
    ("Decisions", "docs/decisions/README"),
    ("Reports", "reports/README"),
    ("Contributing", "CONTRIBUTING"),
    ("Changes", "CHANGELOG"),
]

# GitHub's Markdown and no other: what MyST adds to it would stand there as it is written.
myst_heading_anchors = 6
myst_enable_extensions = ["gfm_autolink", "tasklist", "alert"]
myst_disable_syntax = ["myst_role", "myst_line_comment", "myst_block_break", "myst_target", "front_matter"]
smartquotes = False
highlight_language = "text"  # commands, mostly; a block that is something else says so

html_theme = "furo"
html_title = "oomproof"
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
templates_path = ["templates"]
html_use_index = False
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_show_search_summary = False  # to fetch it is refused to a page that is a file
