"""Vercel's id of a request: the header `x-vercel-id`, `fra1::iad1::abcde-1700000000000-0123456789ab`, which Vercel's
own error pages show. Stored without the regions before it, which differ by where one looks."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from shared.formats.base import ABSENT
from shared.formats.values import plain

LOOKED_AT: Final = 1_024
"""Characters of a message in which an id is looked for."""

_ID = r"[a-z0-9]{2,8}-\d{13}-[0-9a-f]{12}"
_WHOLE = re.compile(rf"(?:[a-z0-9]{{2,8}}::)*({_ID})$")
_PRINTED = re.compile(rf"::({_ID})(?![0-9a-f])")


class _Headers(msgspec.Struct, gc=False):
    header: msgspec.Raw = msgspec.field(name="x-vercel-id", default=ABSENT)


class _Context(_Headers, gc=False):
    vercel_id: msgspec.Raw = ABSENT
    vercel_id_in_camels: msgspec.Raw = msgspec.field(name="vercelId", default=ABSENT)
    headers: msgspec.Raw = ABSENT


_decode_context = msgspec.json.Decoder(_Context).decode
_decode_headers = msgspec.json.Decoder(_Headers).decode


def without_regions(sent: str) -> str:
    """`fra1::iad1::abcde-1700000000000-0123456789ab` -> `abcde-1700000000000-0123456789ab`."""
    return sent.rpartition("::")[2].strip() or sent


def vercel_id_in(request_id: str) -> str:
    """An id without its regions if it has the form of Vercel's, else ''."""
    found = _WHOLE.match(request_id) if request_id[-13:-12] == "-" else None
    return found[1] if found else ""


def vercel_ids(messages: Iterable[str], contexts: Iterable[bytes]) -> Sequence[str]:
    """Vercel's id of the request of each error, '' for none. A context is a JSON object, or b''."""
    return [_named(context) or _printed(message) for message, context in zip(messages, contexts, strict=True)]


def _named(context: bytes) -> str:
    if b"ercel" not in context:
        return ""
    said = _decode_context(context)
    headers = _decode_headers(said.headers).header if bytes(said.headers).startswith(b"{") else ABSENT
    for raw in (said.vercel_id, said.vercel_id_in_camels, said.header, headers):
        if raw is not ABSENT and isinstance(sent := plain(raw), str) and sent:
            return without_regions(sent)
    return ""


def _printed(message: str) -> str:
    found = _PRINTED.search(message, 0, LOOKED_AT) if "::" in message else None
    return found[1] if found else ""
