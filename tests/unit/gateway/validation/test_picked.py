"""Records that an intake has picked out itself."""

import msgspec
import pytest

from gateway.rejections import Unreadable
from gateway.validation.picked import PickedValidator
from gateway.validation.sizes import Heavy
from shared.formats.base import Format
from shared.formats.codec import JsonArray
from shared.formats.intake import Picking


class Record(msgspec.Struct):
    n: int


FORMAT = Format("test.picked", signal="errors", columns=None, codec=JsonArray(Record))


def test_what_the_writer_could_not_read_is_left_out() -> None:
    check = PickedValidator(FORMAT)
    picking = Picking(
        b'[{"n":1},{"n":"x"},{"n":3}]', 3, [("0", "item_session"), ("1.5", "missing_x")], event_ids=("a", "b", "c")
    )
    part = check.validate(check.opened(picking))
    assert (part.n, part.payload, list(part.event_ids)) == (2, b'[{"n":1},{"n":3}]', ["a", "c"])
    assert part.dropped == [(0, "item_session"), (1, "invalid"), (1, "invalid")]
    assert list(part.told) == ["0:item_session", "1.5:missing_x", "1:invalid"]


def test_the_stamp_and_the_name_are_passed_on() -> None:
    check = PickedValidator(FORMAT)
    picking = Picking(b'[{"n":1}]', 1, service="s", environment="e", release="r", named="id", reasons={"a b": 2})
    part = check.validate(check.opened(picking))
    assert (part.service, part.environment, part.release, part.named) == ("s", "e", "r", "id")
    assert part.reasons == {"a b": 2}
    assert check.key_in(check.opened(picking)) is None


def test_depth_is_bounded() -> None:
    deep = Picking(b'[{"n":1,"x":%b%b}]' % (b"[" * 600, b"]" * 600), 1)
    with pytest.raises(Unreadable):
        PickedValidator(FORMAT).validate(PickedValidator(FORMAT).opened(deep))
    with pytest.raises(Heavy):
        PickedValidator(FORMAT, slow_bytes=100).validate(PickedValidator(FORMAT).opened(deep))
