"""What the kernel holds of open connections on this machine, as /proc/net/tcp tells it."""

from __future__ import annotations

from pathlib import Path

PROC_NET_TCP = Path("/proc/net/tcp")


def on_their_way(server_port: int, table: str) -> dict[int, int]:
    """Return how many bytes a loopback server has given to the kernel that each client has not read, by client's port.

    `table` is the text of `PROC_NET_TCP`, which has a line for either end of a connection (proc(5)): what the server's
    end has not seen acknowledged yet is in its send queue, and what the client has not read in the client's receive
    queue.
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
    return {port: sending[port] + received[port] for port in sending.keys() & received.keys()}
