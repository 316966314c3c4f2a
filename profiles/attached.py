"""What a run is attached to: a running process or control group, as it was found; nothing of it is ever changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from profiles.cgroup_paths import Group

ATTACHED_FILE = "attached.json"
MEMBERS_FILE = "attached.members"
BACKEND = "attached"
"""How a report names the walls that were found."""


@dataclass(frozen=True)
class Attachment:
    """What is watched.

    Attributes:
        what: in words, such as `process 4711 (node)`.
        server_pid: the process that is the server; None while there is none.
        group_path: the control group it lives in, as the kernel names it; None where none can be seen.
        folders: that group's folders, by controller; none where the machine's memory is what there is.
        by_tree: whether the server and its descendants are followed; else all that is in the group.
        shared: whether others live in the group too, whose memory and kills its counters hold as well.
        owner_pid: who watches; never a part of what is watched.
        counted: the group's counters as they stood at the beginning, by name.
    """

    what: str
    server_pid: int | None
    group_path: str | None
    folders: Mapping[str, str] = field(default_factory=dict)
    by_tree: bool = True
    shared: bool = False
    owner_pid: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the kernel calls its group when it kills there; what no group is called where others live."""
        if self.group_path in (None, "/") or self.shared:
            return f"attached-{self.server_pid}"
        return str(self.group_path)

    @property
    def group(self) -> Group | None:
        """The group and its folders; None where the machine's memory is what there is."""
        if self.group_path is None or not self.folders:
            return None
        return Group(self.group_path, {name: Path(folder) for name, folder in self.folders.items()})

    def save(self, folder: Path) -> None:
        """Write it for the recorder, which is another process."""
        (folder / ATTACHED_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_attachment(folder: Path) -> Attachment:
    """Return what a run is attached to; raises OSError or ValueError when its folder does not say."""
    return Attachment(**json.loads((folder / ATTACHED_FILE).read_text(encoding="utf-8")))
