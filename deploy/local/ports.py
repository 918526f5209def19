"""Free TCP ports on 127.0.0.1."""

import random
import socket

HOST = "127.0.0.1"

# Below what Linux and macOS hand out to outgoing connections (32768, 49152): a client that knocks again and again while
# an engine restarts can otherwise be given that very port as its own and connect to itself.
FIRST, LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """True if a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set it too: old connections in TIME_WAIT don't make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(*preferred: int | None) -> int:
    """The first of the preferred ports that is free, else a random one.

    Another process may take the port before it is used: the caller must be ready to try again.
    """
    for port in preferred:
        if port and is_free(port):
            return port
    while True:
        port = random.randrange(FIRST, LAST)  # noqa: S311 - no secret
        if is_free(port):
            return port
