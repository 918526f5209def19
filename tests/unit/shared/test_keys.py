"""Keys themselves: how they look, and what they are known by."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from shared.keys import generate, hash_key


def test_server_keys_are_dt_and_24_hex_digits() -> None:
    assert re.fullmatch(r"dt_[0-9a-f]{24}", generate("dt"))


def test_public_keys_are_pk_and_url_safe_text() -> None:
    assert re.fullmatch(r"pk_[A-Za-z0-9_-]{32}", generate("pk"))


def test_no_key_is_made_twice() -> None:
    assert len({generate(kind) for kind in ("dt", "pk") for _ in range(1000)}) == 2000


def test_a_key_is_known_by_its_sha_256() -> None:
    assert hash_key("pk_abc") == hashlib.sha256(b"pk_abc").hexdigest()


@given(st.text(st.characters(categories=None)))
def test_every_text_can_be_looked_up(text: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", hash_key(text))


def test_a_public_key_has_only_word_characters() -> None:
    """Sentry's JavaScript SDK takes `\\w+` of a DSN."""
    for _ in range(200):
        assert re.fullmatch(r"pk_[A-Za-z0-9]{32}", generate("pk"), re.ASCII)
        assert re.fullmatch(r"dt_[0-9a-f]{24}", generate("dt"), re.ASCII)
