"""Links to files of the repository that are no pages: reports in HTML, JSON, workflows.

They come along with the pages and open from there. Where the repository has a public address, they can lead there
instead: `make docs ARGS="-D files_at=https://…/blob/main"`.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

BEFORE_FILES_ARE_GATHERED = 400


def _lead_there(app: Sphinx, document: nodes.document) -> None:
    address = str(app.config.files_at).rstrip("/")
    for node in list(document.findall(addnodes.download_reference)) if address else ():
        path, _ = app.env.relfn2path(node["reftarget"], app.env.docname)
        node.replace_self(_link(node, f"{address}/{path}"))


def _open_the_copy(app: Sphinx, document: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    for node in list(document.findall(addnodes.download_reference)):
        copy = f"_downloads/{node['filename']}"
        node.replace_self(_link(node, relative_uri(app.builder.get_target_uri(docname), copy)))


def _link(node: nodes.Element, address: str) -> nodes.reference:
    return nodes.reference("", "", *node.children, refuri=address)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know."""
    app.add_config_value("files_at", "", "env", str)
    app.connect("doctree-read", _lead_there, priority=BEFORE_FILES_ARE_GATHERED)
    app.connect("doctree-resolved", _open_the_copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
