"""What axe finds against WCAG 2.2 A and AA in what a page shows at this moment."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults_of(page: Page) -> list[str]:
    """One line for each element that breaks a rule: the rule, the element, what is wrong."""
    found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]}).response
    return [
        f"{fault['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
