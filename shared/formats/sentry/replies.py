"""The answer to an accepted request."""

import msgspec

from shared.formats.intake import Outcome

_encode = msgspec.json.Encoder().encode


def reply(outcome: Outcome) -> tuple[int, bytes]:
    """`{"id": id}` of the event or transaction, 32 hex digits; `{}` where there is none."""
    named = outcome.named or next(iter(outcome.event_ids), "")
    return 200, _encode({"id": named.replace("-", "")} if named else {})
