"""Passwords: argon2id hashes of them, and whether one fits (operating.md, "Users")."""

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHash

MIN_CHARACTERS = 10
MAX_BYTES = 1_024
"""A longer text is no password: hashing must not cost what a stranger likes."""

_hasher = PasswordHasher()
"""The library's parameters, of RFC 9106 for little memory: 64 MiB and about 50 ms each."""

NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$IMfdqpScQyu6dK+69wNOGA$2amVbd6Gfu42lm8IFZY7ER98L1NA9/kQpUV6A3BuOXw"
"""A hash of the same cost as all others, that no password is compared with in earnest."""


class BadPassword(ValueError):
    """No password that a user may have; the text says why."""


def hash_password(password: str) -> str:
    """What is stored for a new password. Raises `BadPassword`."""
    if len(password) < MIN_CHARACTERS:
        raise BadPassword(f"a password has at least {MIN_CHARACTERS} characters")
    if len(password.encode(errors="surrogatepass")) > MAX_BYTES:
        raise BadPassword(f"a password has at most {MAX_BYTES:,} bytes")
    return _hasher.hash(password.encode(errors="surrogatepass"))


def fits(stored: str | None, password: str) -> bool:
    """Whether this is the password. It takes the same time for None, a user who isn't there or has none."""
    given = password.encode(errors="surrogatepass")[:MAX_BYTES]
    try:
        return _hasher.verify(stored or NOBODYS, given) and stored is not None
    except (Argon2Error, InvalidHash):
        return False
