"""What tells one error from another under the same event id (contracts.md, "Idempotency-Key")."""

from hashlib import blake2b

import msgspec

from shared.event_ids import same_id
from shared.formats.named_numbers import released

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def event_digest(event_id: str, record: bytes) -> bytes:
    """16 bytes: the same whatever way the id in the record is spelled, and with a key in it or without, which leaves no
    white space between the fields."""
    fields = _decode_fields(released(record))
    fields["event_id"] = msgspec.Raw(_encode(same_id(event_id)))
    fields.pop("api_key", None)
    return blake2b(_encode(fields), digest_size=16).digest()
