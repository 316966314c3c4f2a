"""What the kernel holds of open connections on this machine, as /proc/net/tcp tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROC_NET_TCP = Path("/proc/net/tcp")


@dataclass(frozen=True)
class Queues:
    """What the kernel holds of a connection, in bytes: at the server's end to be taken, at the client's to be read."""

    sending_bytes: int
    received_bytes: int


def queues_of(server_port: int, table: str) -> dict[int, Queues]:
    """Return what is between a loopback server and each of its clients, by the client's port.

    `table` is the text of `PROC_NET_TCP`, which has a line for either end of a connection (proc(5)).
    """
    sending: dict[int, int] = {}
    received: dict[int, int] = {}
    for line in table.splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        local_port, remote_port = (int(end.partition(":")[2], 16) for end in (local, remote))
        if local_port == server_port:
            sending[remote_port] = int(queues.partition(":")[0], 16)
        elif remote_port == server_port:
            received[local_port] = int(queues.partition(":")[2], 16)
    return {port: Queues(sending[port], received[port]) for port in sending.keys() & received.keys()}
