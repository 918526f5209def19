"""The envelope: what the gateway seals, a writer unseals; what it can't read is told apart by whether it ever could."""

import msgspec
import pytest

from shared.envelope import VERSION, Stamp, Undecodable, UnknownVersion, seal, unseal

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
    newer = b'{"v":%d,"shape":"unheard of"}\n[]' % (VERSION + 1)
    with pytest.raises(UnknownVersion, match="upgrade the writers"):
        unseal(newer)


@pytest.mark.parametrize("value", [b"", b"x", b"\n", b"{}\n[]", b'{"v":1}\n[]', b"\xff\n[]", b'{"v":"1"}\n'])
def test_what_is_no_envelope_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        unseal(value)
