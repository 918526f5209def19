"""UUIDv7, for errors without an id of their own."""

import os
import uuid


def uuid7(now_ms: int) -> str:
    """A UUID whose first 48 bits are the Unix time in milliseconds (RFC 9562, version 7)."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (now_ms & (2**48 - 1)) << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & (2**62 - 1)
    return str(uuid.UUID(int=value))
