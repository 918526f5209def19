"""Small JSON bodies: what is wrong with them is told field by field, in FastAPI's shape."""

import json
from typing import Any

import pytest

from gateway.query.json_body import JsonBody
from gateway.query.views.shapes import ViewBody
from gateway.rejections import InvalidBody, MalformedJson

BODY = JsonBody(ViewBody)


def refused(body: bytes, kind: type[InvalidBody] | type[MalformedJson] = InvalidBody) -> list[Any]:
    with pytest.raises(kind) as refusal:
        BODY.parse(body)
    issues: list[Any] = refusal.value.answer["detail"]
    return issues


def test_a_good_body_is_its_struct() -> None:
    text = '{"page":"traces","name":"Slöw ones","state":"q=duration:%3E1s&sort=duration"}'.encode()
    assert BODY.parse(text) == ViewBody("traces", "Slöw ones", "q=duration:%3E1s&sort=duration")
    assert BODY.parse(b'{"page":"logs","name":"x","state":""}').state == ""


def test_every_fault_is_named() -> None:
    issues = refused(b'{"page":"log","name":"","more":1,"other":2}')
    assert [(issue["loc"][-1], issue["type"]) for issue in issues] == [
        ("page", "literal_error"),
        ("name", "string_too_short"),
        ("name", "string_pattern_mismatch"),
        ("state", "missing"),
        ("more", "extra_forbidden"),
    ]
    assert [issue["type"] for issue in refused(b"[]")] == ["model_attributes_type"]
    kinds = [issue["type"] for issue in refused(b'{"page":1,"name":null,"state":{}}')]
    assert kinds == ["literal_error", "string_type", "string_type"]


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "\n", "a\nb", "a\0b", "\x7f", "a" * 101])
def test_a_name_is_one_line(name: str) -> None:
    assert refused(encoded(name=name))


@pytest.mark.parametrize("state", ["a b", "a#b", "<x>", '"', "é", "a\n", "\0", "a" * 8193])
def test_a_state_is_what_stands_in_an_address(state: str) -> None:
    assert refused(encoded(state=state))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 10_000, b'{"page":' * 5_000, b'"\\ud800"'])
def test_what_is_no_json_is_said_so(body: bytes) -> None:
    assert refused(body, MalformedJson)


def encoded(**fields: str) -> bytes:
    return json.dumps({"page": "logs", "name": "n", "state": "q=x"} | fields).encode()
