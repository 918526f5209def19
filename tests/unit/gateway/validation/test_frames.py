"""A batch whose frame is decoded around its records means the same as one that is decoded in one piece."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import Rejection
from gateway.validation.batches import BatchValidator
from gateway.validation.json_bodies import JsonValidator
from gateway.validation.parts import Opened
from gateway.validation.validator import validator
from shared.formats.intake import Batch, Intake
from tests.bodies import bodies
from tests.examples import examples
from tests.validating import APIS, REGISTRY, Door

INTAKES = [intake for intake in REGISTRY.intakes if any(isinstance(body, Batch) for body in intake.bodies.values())]
each = pytest.mark.parametrize("intake", INTAKES, ids=lambda intake: intake.name)
many = examples(50)

LOG = '{"level":"info","message":"m"}'
TRAPS = [
    '{"logs":[%s]}',
    '{"logs":[%s],"service":"s","api_key":"pk_k"}',
    '{"service":"a[b","logs":[%s],"environment":"x]y"}',
    '{"logs":[%s],"service":"x]"}',
    '{"service":"x [%s]","logs":[]}',
    '{"service":"x [%s]"}',
    '{"logs":"[%s]","service":"s"}',
    '{"logs":[],"service":"x [%s]"}',
    '{"logs":5,"logs":[%s]}',
    '{"logs":[%s],"logs":5}',
    '{"logs":[%s],"logs":[]}',
    '{"logs":[%s],"tags":[1]}',
    '{"tags":[1],"logs":[%s]}',
    '{"tags":{"logs":[%s]},"logs":[]}',
    '{"tags":{"logs":[%s]}}',
    '{"logs":[%s]',
    '{"logs":[%s]}}',
    '{"logs":[%s]} ]',
    '[{"logs":[%s]}]',
    '{"logs":[%s,]}',
    '{"logs":[{"level":"loud","message":[]},%s]}',
    '{"logs":[{"level":"loud"},%s}',
    '{"logs":[{"level":"loud"},%s],"service":[]}',
    '{"logs":{"a":[%s]}}',
    '{"logs"[%s]}',
    "[%s]",
    '\ufeff{"logs":[%s]}',
]


def in_one_piece(intake: Intake) -> Any:
    """A validator that doesn't take the frame apart."""
    made: Any = _validator(intake)
    made._opened = lambda text, decoders: JsonValidator._opened(made, text, decoders)
    return made


def _validator(intake: Intake) -> BatchValidator:
    ((name, body),) = intake.bodies.items()
    made = validator(REGISTRY.formats[name], body, APIS.of(intake))
    assert isinstance(made, BatchValidator)
    made._skipped_bytes = 0
    return made


def meaning(checked: Any, text: bytes) -> Any:
    """The key and the part, or the refusals."""
    opened: Opened = checked.opened(text)
    try:
        key = checked.key_in(opened)
    except Rejection as rejection:
        key = repr(rejection)
    try:
        part = checked.validate(opened)
    except Rejection as rejection:
        return key, type(rejection), vars(rejection)
    return key, msgspec.structs.asdict(part) | {"payload": bytes(part.payload)}


@each
@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("records", [LOG, f"{LOG},{LOG}", "", "1", LOG.replace("m", "é[")])
def test_brackets_in_odd_places_mean_the_same(intake: Intake, trap: str, records: str) -> None:
    text = trap.replace("%s", records).encode()
    assert meaning(_validator(intake), text) == meaning(in_one_piece(intake), text)


@each
@many
@given(data=st.data())
def test_any_body_means_the_same(intake: Intake, data: st.DataObject) -> None:
    text = data.draw(bodies(Door(intake)))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(st.sampled_from([b"[", b"]", b"[]", b"{", b"}", b'"', b",", b" ", b"\xff"]))
            + text[at:]
        )
    assert meaning(_validator(intake), text) == meaning(in_one_piece(intake), text)


@each
def test_a_good_batch_is_decoded_once(intake: Intake) -> None:
    opened = Door(intake)._opened(b'{"service":"s","logs":[%b]}' % b",".join([LOG.encode()] * 200))
    assert opened.n == 200
