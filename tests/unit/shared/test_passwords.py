"""Passwords."""

import pytest
from argon2 import extract_parameters

from shared.passwords import NOBODYS, BadPassword, fits, hash_password


def test_only_the_password_itself_fits() -> None:
    stored = hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert fits(stored, "correct horse battery")
    assert not fits(stored, "correct horse batterY")
    assert not fits(stored, "")


def test_looking_for_nobody_costs_what_looking_for_somebody_does() -> None:
    assert extract_parameters(NOBODYS) == extract_parameters(hash_password("correct horse battery"))


def test_nothing_fits_where_there_is_none() -> None:
    assert not fits(None, "nobody has this password")
    assert not fits("", "")
    assert not fits("no hash at all", "no hash at all")


@pytest.mark.parametrize("password", ["short", "x" * 1_025, "é" * 600])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(BadPassword, match="a password has at"):
        hash_password(password)


def test_any_text_can_be_tried() -> None:
    assert not fits(hash_password("x" * 1_024), "\ud800" * 2_000)
