"""The envelope: what the gateway seals, a writer unseals; what it can't read is told apart by whether it ever could."""

import msgspec
import pytest

from shared.envelope import VERSION, WITH_RULES, Stamp, Undecodable, UnknownVersion, seal, unseal

STAMP = Stamp(
    v=VERSION,
    format="deeptracer.logs",
    project_id="p\n1",
    received_at=1_700_000_000_000_000,
    retention_days=30,
    n=2,
    service="web",
    event_ids=("a", "b"),
)


def test_what_is_sealed_comes_back_and_the_records_byte_for_byte() -> None:
    records = b'[{"a" : 1.0},\n{"b":"\\u00e9"}]'
    stamp, raw = unseal(seal(STAMP, msgspec.Raw(records)))
    assert stamp == STAMP
    assert bytes(raw) == records


def test_a_newer_version_is_not_undecodable() -> None:
    newer = b'{"v":%d,"shape":"unheard of"}\n[]' % (WITH_RULES + 1)
    with pytest.raises(UnknownVersion, match="upgrade the writers"):
        unseal(newer)


@pytest.mark.parametrize("value", [b"", b"x", b"\n", b"{}\n[]", b'{"v":1}\n[]', b"\xff\n[]", b'{"v":"1"}\n'])
def test_what_is_no_envelope_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        unseal(value)


def test_a_stamp_without_rules_reads_as_ever_and_one_with_rules_has_a_version_of_its_own() -> None:
    assert b"rules" not in seal(STAMP, b"[]")
    ruled = msgspec.structs.replace(STAMP, v=WITH_RULES, rules_revision=20261126064424)
    assert unseal(seal(ruled, b"[]"))[0] == ruled
