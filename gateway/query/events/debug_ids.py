"""The debug ids of built files that an event carries, as Sentry's clients name them: `debug_meta`, `images`."""

import re
from typing import Any

import msgspec

MOST = 200

_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})", re.IGNORECASE)


class _Carrier(msgspec.Struct):
    debug_meta: Any = None


_decode = msgspec.json.Decoder(_Carrier).decode


def debug_ids(*carriers: str | bytes) -> dict[str, str]:
    """File as the stack names it -> its debug id, a lower-case UUID, from JSON objects that may have `debug_meta`."""
    found: dict[str, str] = {}
    for carrier in carriers:
        for image in _images(carrier)[:MOST]:
            file, text = image.get("code_file"), image.get("debug_id")
            if isinstance(file, str) and isinstance(text, str) and (parts := _ID.fullmatch(text)):
                found.setdefault(file, "-".join(parts.groups()).lower())
    return found


def _images(carrier: str | bytes) -> list[dict[str, Any]]:
    if "debug_meta" not in carrier if isinstance(carrier, str) else b"debug_meta" not in carrier:
        return []
    try:
        meta = _decode(carrier).debug_meta
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    images = meta.get("images") if isinstance(meta, dict) else None
    return [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []
