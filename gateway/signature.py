"""`x-vercel-signature`: that a delivery comes from the project's own drain (03, "Drain")."""

import hashlib
import hmac

from gateway.rejections import InvalidSignature
from shared.keys import ResolvedKey


def verify(key: ResolvedKey, sent: bytes | None, *bodies: bytes) -> None:
    """Check the header against the body, packed and unpacked, where the project has a secret. Raises
    `InvalidSignature`."""
    if key.drain_secret is None:
        return
    secret = key.drain_secret.encode()
    given, matches = (sent or b"").strip().lower(), False
    for body in bodies:
        matches |= hmac.compare_digest(hmac.digest(secret, body, hashlib.sha1).hex().encode(), given)
    if not matches:
        raise InvalidSignature
