"""The rule that chose what a fingerprint was made of stands behind its parts."""

import msgspec
import pytest

from gateway.query.errors.ever import BY_CLIENT, rule_of
from shared.fingerprint import v1, v2


def test_it_is_the_last_part_from_version_2_on() -> None:
    _, parts, _ = v2.fingerprint("boom", "")
    assert rule_of(msgspec.Raw(parts.encode())) == msgspec.json.decode(parts)[-1]
    assert rule_of(msgspec.Raw(b'["group","checkout","rule \'a\' of revision 3"]')) == "rule 'a' of revision 3"


def test_a_clients_own_list_is_one_and_has_none_behind_it() -> None:
    assert rule_of(msgspec.Raw(b'["sentry","checkout"]')) == BY_CLIENT
    assert rule_of(msgspec.Raw(b'["sentry","v1","mine"]')) == BY_CLIENT


def test_version_1_has_none() -> None:
    _, parts, _ = v1.fingerprint("boom", "")
    assert rule_of(msgspec.Raw(parts.encode())) is None


@pytest.mark.parametrize("parts", [b"null", b"{", b"[]", b"[1]", b'"v2"', b'{"a":1}', b'["v2",3]'])
def test_what_is_no_list_of_parts_has_none(parts: bytes) -> None:
    assert rule_of(msgspec.Raw(parts)) is None
