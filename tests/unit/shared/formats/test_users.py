"""Users and accounts -> columns, as one decode a row would make them (contracts.md, "Proliferate API")."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats import users
from shared.formats.users import People, text_of
from shared.formats.values import plain
from tests.bodies import junk

KNOWN = ("id", "email")


def slowly(text: bytes) -> tuple[Any, ...]:
    """What the columns must hold: id, email, and the further keys as they were sent."""
    if not text.startswith(b"{"):
        return ("", "", "")
    person = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    known = [text_of(plain(person.pop(key, msgspec.Raw(b"null")))) for key in KNOWN]
    return (*known, msgspec.json.encode(person) if person else "")


ids = st.sampled_from(['""', '"u"', "7", "7.0", "1e400", "true", "null", "[]", '{"a":1}', '"\\ud83d\\ude00"', "9" * 30])
members = st.one_of(
    st.tuples(st.sampled_from(["id", "email"]), ids),
    st.tuples(st.sampled_from(["id", "plan", "é", ""]), junk.map(json.dumps)),
)
objects = st.lists(members, max_size=5).map(
    lambda some: ("{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in some) + "}").encode()
)
persons = st.one_of(objects, st.sampled_from([b"", b"null", b"[]"]))


@given(st.lists(persons, min_size=1, max_size=6).map(lambda some: some + some))
def test_each_row_has_its_own_person_however_often_they_come(texts: list[bytes]) -> None:
    columns = People("user", KNOWN).columns([msgspec.Raw(text) for text in texts])
    assert list(columns) == ["user_id", "user_email", "user"]
    assert [*zip(*columns.values(), strict=True)] == [slowly(text) for text in texts]


def test_no_more_than_so_many_are_remembered_and_none_that_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "MOST_KNOWN", 3)
    people = People("user", KNOWN)
    texts = [b'{"id":"%d"}' % n for n in range(8)] + [b'{"id":"%b"}' % (b"x" * 600)]
    columns = people.columns([msgspec.Raw(text) for text in texts])
    assert columns["user_id"] == ("0", "1", "2", "3", "4", "5", "6", "7", "x" * 600)
    assert set(people) == {b'{"id":"6"}', b'{"id":"7"}'}
