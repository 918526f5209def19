"""What a drain's route needs beyond a key: the pieces of `gateway.drains.signature` and `gateway.drains.handshake`."""

import hashlib
import hmac

import pytest

from gateway.apis.deeptracer import API
from gateway.drains.handshake import LARGEST, VerifyCodes, is_handshake
from gateway.drains.signature import verify
from gateway.rejections import InvalidSignature
from shared.keys import ResolvedKey

SECRET = "drain_secret_for_tests_0123456789ab"
EMPTY_OBJECT_SIGNED = b"9d6517fb60be9a18f65c15e44be035a64a5a03ff"
"""Of the body `{}`: the check vector (contracts.md, "Drain")."""


def key(secret: str | None = SECRET) -> ResolvedKey:
    return ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"ingest"}), drain_secret=secret)


def test_the_check_vector_is_signed_right() -> None:
    verify(key(), EMPTY_OBJECT_SIGNED, b"{}", b"{}")


@pytest.mark.parametrize("sent", [None, b"", b"0" * 40, EMPTY_OBJECT_SIGNED[:-1], "ä".encode("latin-1")])
def test_another_signature_is_refused(sent: bytes | None) -> None:
    with pytest.raises(InvalidSignature) as refused:
        verify(key(), sent, b"{}", b"{}")
    answer = API.answer(refused.value)
    assert (answer.status, answer.body) == (403, b'{"code":"invalid_signature","error":"signature didn\'t match"}')


def test_the_packed_or_the_unpacked_body_may_have_been_signed() -> None:
    signed = hmac.new(SECRET.encode(), b"packed", hashlib.sha1).hexdigest().encode()
    verify(key(), signed, b"packed", b"unpacked")
    verify(key(), signed, b"unpacked", b"packed")


def test_a_project_without_a_secret_asks_for_no_signature() -> None:
    verify(key(None), None, b"{}", b"{}")


@pytest.mark.parametrize("body", [b"", b"{}", b" { }\r\n"])
def test_an_empty_body_and_an_empty_object_ask_for_the_handshake(body: bytes) -> None:
    assert is_handshake(body)


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b'{"a":1}', b"{}{}", b"null", b"{}" + b" " * LARGEST])
def test_nothing_else_asks_for_it(body: bytes) -> None:
    assert not is_handshake(body)


async def test_a_projects_code_is_looked_up_once() -> None:
    asked: list[str] = []

    async def code_of(project_id: str) -> str | None:
        asked.append(project_id)
        return None if project_id == "unknown" else f"code of {project_id}"

    codes = VerifyCodes(code_of)
    assert [await codes.of("a"), await codes.of("a"), await codes.of("unknown"), await codes.of("unknown")] == [
        "code of a",
        "code of a",
        None,
        None,
    ]
    assert asked == ["a", "unknown"]
