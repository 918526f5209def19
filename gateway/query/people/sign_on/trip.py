"""A trip to the provider and back: what ties it to the browser that began it.

All of it follows from the secret in the browser's cookie and from the state, so nothing is kept here: with another
browser's state, or one that is too old or was made up, there is no way back.
"""

import hashlib
import hmac
import secrets
from typing import NamedTuple

from gateway.query.place import decode_as, encode_place

LIFE_S = 600

MAX_NEXT = 1_000
"""Longest path that a trip remembers: it stands in the address of the provider's log-in."""


class WrongState(Exception):
    """This browser has begun no such trip, or too long ago."""


class Trip(NamedTuple):
    """`next`: where the log-in leads. `verifier`: of PKCE."""

    state: str
    nonce: str
    verifier: str
    next: str


class _Begun(NamedTuple):
    random: str
    at: int
    next: str


def begin(secret: str, next: str, now: float) -> Trip:
    """`secret`: of this browser's visit; `now`: Unix seconds."""
    body = encode_place(_Begun(secrets.token_urlsafe(12), int(now), next if len(next) <= MAX_NEXT else "/"))
    return _trip(secret, body, next)


def resume(secret: str, state: str, now: float) -> Trip:
    """Raises `WrongState`."""
    body, _, seal = state.partition(".")
    if not secret or not hmac.compare_digest(seal.encode(errors="replace"), _derived(secret, "state", body).encode()):
        raise WrongState
    begun = decode_as(_Begun, body)  # ours: it is sealed
    if not 0 <= now - begun.at <= LIFE_S:
        raise WrongState
    return _trip(secret, body, begun.next)


def _trip(secret: str, body: str, next: str) -> Trip:
    nonce, verifier = (_derived(secret, what, body) for what in ("nonce", "verifier"))
    return Trip(f"{body}.{_derived(secret, 'state', body)}", nonce, verifier, next)


def _derived(secret: str, what: str, body: str) -> str:
    text = f"{what}\0{body}".encode(errors="replace")
    return hmac.new(f"oidc\0{secret}".encode(errors="replace"), text, hashlib.sha256).hexdigest()
