"""The envelope: one queue message = one line of JSON (the stamp), then the records as the client sent them, in the
codec of their format (`shared.formats.codec`).

The two are apart so that the gateway never encodes records again (it sends on the slice that it validated) and so that
a reader gets the stamp without looking at the records.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

VERSION: Final = 1
"""Raise it when an older writer could not read the message; writers are upgraded first."""

WITH_RULES: Final = 2
"""The version of a stamp with `rules_revision`: a writer that ignored that would store other groups than the client was
told. All other stamps stay at version 1, which older writers read."""

_KNOWN = (VERSION, WITH_RULES)


class Stamp(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What the gateway adds to a request's records, and what the request said once for all of them.

    Everything that decides a row's content, table partition or order is in it: the writer never asks a clock.
    """

    v: int
    format: str
    project_id: str
    received_at: int
    """Microseconds since the epoch."""
    retention_days: int
    n: int
    """How many records follow."""
    service: str = ""
    environment: str = ""
    release: str = ""
    event_ids: tuple[str, ...] = ()
    """Of errors: one id per record."""
    fingerprint_version: int = 0
    """Of errors: the algorithm whose result the client was told."""
    rules_revision: int = 0
    """Of errors: the revision of the project's grouping rules that the client's answer followed; 0 for none."""
    traceparent: str = ""
    """The span that published it, where its request is traced (operating.md, "Traces of its own work")."""
    extra: Mapping[str, Any] | None = None
    """What the request said beside its records, for the `extra` of each row. Older writers know no format with it."""


class UnknownVersion(Exception):
    """The message was written by a newer gateway: keep it, and upgrade the writer first
    (delivery.md, "Messages of a newer version")."""


class Undecodable(Exception):
    """The message is no envelope, or its payload can't be read by its format; trying again can't help."""


_encode = msgspec.json.Encoder().encode
_decode_stamp = msgspec.json.Decoder(Stamp).decode
_decode_version = msgspec.json.Decoder(msgspec.defstruct("Version", [("v", int)])).decode


def seal(stamp: Stamp, payload: bytes | memoryview | msgspec.Raw) -> bytes:
    """Make the queue message of a stamp and a payload of `stamp.n` records."""
    return b"\n".join((_encode(stamp), payload))


def unseal(value: bytes) -> tuple[Stamp, memoryview]:
    """Take a queue message apart: (stamp, the records' payload).

    Raises:
        UnknownVersion: a newer gateway wrote it.
        Undecodable: it is no envelope.
    """
    end = value.find(b"\n")
    if end < 0:
        raise Undecodable("no stamp: the message has no first line")
    head = memoryview(value)[:end]
    try:
        stamp = _decode_stamp(head)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _refuse_unknown_version(head)
        raise Undecodable(f"the stamp can't be read: {error}") from error
    if stamp.v not in _KNOWN:
        raise UnknownVersion(_upgrade(stamp.v))
    return stamp, memoryview(value)[end + 1 :]


def _refuse_unknown_version(head: memoryview) -> None:
    try:
        version = _decode_version(head).v  # type: ignore[attr-defined]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    if version not in _KNOWN:
        raise UnknownVersion(_upgrade(version))


def _upgrade(version: int) -> str:
    return f"envelope version {version}, this writer knows {_KNOWN[-1]}: upgrade the writers before the gateways"
