"""The digest of an error: Next.js shows it to a user, and prints it in its log, in place of what its server threw
(grouping.md, "Digests"). It is no part of the fingerprint."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from shared.formats.base import ABSENT
from shared.formats.users import text_of
from shared.formats.values import plain

LOOKED_AT: Final = 4_096
"""Characters at either end of a text in which a printed digest is looked for."""

HASHED: Final = 8_192
"""Characters of the longest error whose digest is computed: a hash of Python's takes 0.06 us for each."""

_PRINTED = re.compile(r"[Dd]igest: ['\"]?(\d{1,10})(?!\d)")
_CODE = re.compile(r"@E\d{1,5}$")
"""Next.js puts the code of an error of its own behind the digest for the browser, not behind the one it prints."""
_KIND = re.compile(r"[A-Z][A-Z_]{3,}(?:;|$)")
_RENDERER = "/next-server/app-page"


class _Holder(msgspec.Struct, gc=False):
    digest: msgspec.Raw = ABSENT


class _Context(_Holder, gc=False):
    error: msgspec.Raw = ABSENT
    tags: msgspec.Raw = ABSENT
    source: msgspec.Raw = ABSENT
    route_type: msgspec.Raw = msgspec.field(name="routeType", default=ABSENT)


_decode_context = msgspec.json.Decoder(_Context).decode
_decode_holder = msgspec.json.Decoder(_Holder).decode


def digests(messages: Iterable[str], stacks: Iterable[str], contexts: Iterable[bytes]) -> Sequence[str]:
    """The digest of each error, '' for none. A context is a JSON object, or b''."""
    return list(map(digest_of, messages, stacks, contexts))


def digest_of(message: str, stack: str, context: bytes) -> str:
    """The digest that the context names, that the error printed, or that Next.js makes of such an error."""
    said = _decode_context(context) if b'"digest"' in context or b'"nextjs-on' in context else None
    return (said and _named(said)) or _printed(stack) or _printed(message) or _made(message, stack, said)


def comparable(digest: str) -> str:
    """The digest as it is stored; '' for one that names a kind of error: `NEXT_REDIRECT;replace;/login;307;`."""
    return "" if _KIND.match(digest) else _CODE.sub("", digest)


def _named(said: _Context) -> str:
    """Its own digest, or that of its error or its tags."""
    holders = [_decode_holder(raw) for raw in (said.error, said.tags) if bytes(raw).startswith(b"{")]
    texts = (text_of(plain(each.digest)) for each in (said, *holders) if each.digest is not ABSENT)
    return next(filter(None, map(comparable, texts)), "")


def _printed(text: str) -> str:
    if "igest: " not in text:
        return ""
    if len(text) > 2 * LOOKED_AT:
        text = f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"
    found = _PRINTED.search(text)
    return found[1] if found else ""


def _made(message: str, stack: str, said: _Context | None) -> str:
    """The digest that Next.js made of a server component's or an action's error: the SDK's report doesn't carry it.

    That of a client component is made of a stack that isn't sent; frames of the renderer show that it may be one.
    """
    if said is None or bytes(said.source) != b'"nextjs-onRequestError"' or len(message) + len(stack) > HASHED:
        return ""
    kind = bytes(said.route_type)
    known = kind == b'"action"' or (kind == b'"render"' and _RENDERER not in stack)
    return str(string_hash(message + stack)) if known else ""


def string_hash(text: str) -> int:
    """The hash of JavaScript's package `string-hash`: over UTF-16 units, the last one first."""
    made = 5381
    for unit in reversed(memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")):
        made = (made * 33 ^ unit) & 0xFFFF_FFFF
    return made
