"""What an envelope's header says about its event (sentry-rows.md, "Errors")."""

import msgspec

from shared.formats.sentry.envelope import Header
from shared.formats.sentry.reading import Fields, fields, moment, text

_encode = msgspec.json.Encoder().encode


def said_beside(header: Header, event: Fields, shortened_from: int = 0) -> bytes:
    """For the `extra` of the event's row: when the SDK sent the envelope, and the name, version and other texts of the
    SDK, if the event itself has none; how many bytes an event had that was shortened. A JSON object; b'' for
    nothing."""
    said: dict[str, int | str | dict[str, str]] = {"shortened_from": shortened_from} if shortened_from else {}
    if (sent_at := text(header.sent_at)) and moment(header.sent_at) is not None:
        said["sent_at"] = sent_at
    if not fields(event.get("sdk")):
        sdk = {name: found for name, raw in fields(header.sdk).items() if (found := text(raw))}
        if sdk:
            said["sdk"] = sdk
    return _encode(said) if said else b""
