"""`x-vercel-signature`: proof that a delivery comes from the project's own drain (contracts.md, "Drain")."""

import hashlib
import hmac

from gateway.rejections import InvalidSignature
from shared.keys import ResolvedKey


def verify(key: ResolvedKey, sent: bytes | None, wire: bytes, body: bytes) -> None:
    """Check the header against the body, as received or unpacked, if the project has a secret.

    Raises `InvalidSignature`.
    """
    if key.drain_secret is None:
        return
    secret, given, matches = key.drain_secret.encode(), (sent or b"").strip().lower(), False
    for signed in (wire,) if wire is body else (wire, body):
        matches |= hmac.compare_digest(hmac.digest(secret, signed, hashlib.sha1).hex().encode(), given)
    if not matches:
        raise InvalidSignature
