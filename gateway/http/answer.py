"""What a request is answered with."""

import msgspec

Headers = list[tuple[bytes, bytes]]
"""Names are lower-case."""


class Answer(msgspec.Struct, gc=False, array_like=True):
    """Status, body, and the headers of this answer alone. It is kept in Redis for repeats: add fields at the end, with
    defaults."""

    status: int
    body: bytes
    headers: Headers = []
