"""What the kernel holds of connections."""

import socket

from benchmarks.suite.tcp_queues import PROC_NET_TCP, Queues, queues_of

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(local: int, remote: int, tx: int, rx: int) -> str:
    """A connection's end as /proc/net/tcp has it."""
    return f"   0: 0100007F:{local:04X} 0100007F:{remote:04X} 01 {tx:08X}:{rx:08X} 00:00000000 00000000 0 0 1 1 0\n"


def test_both_ends_of_a_connection_are_found() -> None:
    """GIVEN a connection's two ends, a listening socket and others THEN its send and its receive queue are told."""
    table = (
        HEAD + line(8000, 0, 0, 5) + line(8000, 40000, 1000, 7) + line(40000, 8000, 9, 200) + line(1, 2, 3, 4)
    )
    assert queues_of(8000, table) == {40000: Queues(1000, 200)}


def test_a_connection_with_one_end_here_is_left_out() -> None:
    """GIVEN a client that has left THEN nothing is told of its connection."""
    assert queues_of(8000, HEAD + line(8000, 40000, 1000, 7)) == {}


def test_this_kernels_table_is_read() -> None:
    """GIVEN a real connection WHEN 10 bytes were sent and not read THEN this client has them to read."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            accepted.sendall(b"0123456789")
            client.recv(1, socket.MSG_PEEK)
            found = queues_of(port, PROC_NET_TCP.read_text())
            assert found == {client.getsockname()[1]: Queues(0, 10)}
