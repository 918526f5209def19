"""What a drain's route needs beyond a key: the pieces of `gateway.drains.signature` and `gateway.drains.handshake`."""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence

import pytest

from gateway.apis.deeptracer import API
from gateway.drains.handshake import LARGEST, VerifyCodes, is_handshake
from gateway.drains.signature import verify
from gateway.rejections import InvalidSignature, Unavailable
from shared.clients.postgres import PostgresUnavailable
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


class Stored:
    """Every project has a code, but for `none` and the like; each question is written down."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.away = False

    async def codes_of(self, project_ids: Sequence[str]) -> dict[str, str]:
        self.asked.append(list(project_ids))
        await asyncio.sleep(0)
        if self.away:
            raise PostgresUnavailable("away")
        return {project_id: f"code of {project_id}" for project_id in project_ids if "none" not in project_id}


async def test_a_projects_code_is_looked_up_once() -> None:
    stored = Stored()
    codes = VerifyCodes(stored.codes_of)
    found = [await codes.of(project_id) for project_id in ("a", "a", "none", "none")]
    assert found == ["code of a", "code of a", None, None]
    assert stored.asked == [["a"], ["none"]]


async def test_a_flood_of_unknown_projects_is_one_question() -> None:
    stored = Stored()
    codes = VerifyCodes(stored.codes_of)
    flood = asyncio.gather(*(codes.of(f"none-{n}") for n in range(999)))
    assert await codes.of("a") == "code of a"
    assert len(stored.asked) == 1
    assert await flood == [None] * 999


async def test_without_postgres_a_code_is_unavailable_and_then_asked_for_again() -> None:
    stored = Stored()
    stored.away = True
    codes = VerifyCodes(stored.codes_of)
    with pytest.raises(Unavailable):
        await codes.of("a")
    stored.away = False
    assert await codes.of("a") == "code of a"
