"""The result of validating a body."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shared.formats.base import Format
from shared.formats.codec import Payload
from shared.formats.intake import Printed
from shared.metrics import DropReason

TOLD = 20
"""How many dropped records the answer names."""


class Part(msgspec.Struct, gc=False):
    """A request's good records of one format, and what the request said once for all of them."""

    format: Format
    payload: Payload
    n: int
    dropped: list[tuple[int, DropReason]] = []
    """(index, reason) of each record that was left out; the reason is `invalid`, `too_large` or `wrong_key`."""
    service: str = ""
    environment: str = ""
    release: str = ""
    prints_of: list[Printed] = []
    """Of each record whose fingerprint the answer carries."""
    extra: bytes = b""
    """What the request said beside its records, for the `extra` of each row: a JSON object, b'' for nothing."""
    event_ids: Sequence[str] = ()
    """Of errors: the client's own id of each record; '' if the gateway must make one."""
    pings: int = 0
    """Records that are accepted and counted, and not stored."""
    places: Sequence[int] = ()
    """Of events that came in an array: the index there of each record; () where the one record is the body."""
    digests: Sequence[bytes] = ()
    """Of events: `event_digest` of each record with a client's id, b'' for the others; of a `named` part one of all its
    records. Made where the records are checked, because large ones take their time."""
    repeated: Sequence[tuple[int, str]] = ()
    """(index among the accepted, id) of each event that is accepted because it was published before."""
    is_derived: bool = False
    """Its records follow from those of another part: they are published, and are no part of the answer."""
    duplicates: int = 0
    """Of a derived part: records that would say the same as one of its own."""
    left_out: int = 0
    """Of a derived part: records beyond what may follow from one request."""
    reasons: Mapping[str, int] = {}
    """Of an `Encoded` body: the words of `told`, and how many records were left out for each. Of a `Picked` one what
    else is to be counted."""
    named: str = ""
    """The client's own id of the whole request."""
    told: Sequence[str] = ()
    """`index:reason` of the first records left out; the reason names the field: `missing_message`, `invalid_level`."""


class Unsure(Exception):
    """The fast path can't decide."""


class Opened(msgspec.Struct, gc=False):
    """A body and the result of its first decode; None if that refused it."""

    text: bytes
    head: Any = None
    n: int | None = None
    """How many records it has, where this decode has also found all of them good."""
