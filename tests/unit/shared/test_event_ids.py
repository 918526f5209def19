"""Ids of events in every spelling (contracts.md, "`POST /api/v1/errors`")."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rejections import InvalidBody
from shared.event_ids import same_id, spellings, stored_id
from shared.formats import proliferate_errors
from tests.validating import Door

ERRORS = Door(proliferate_errors)
_spelled = st.sampled_from([str, lambda text: text.replace("-", "")])
_case = st.lists(st.booleans(), min_size=36, max_size=36)


@given(st.uuids().map(str), _spelled, _spelled, _case, _case)
def test_a_uuid_is_found_whatever_way_it_was_sent_and_is_asked_for(
    uuid: str, sent_as: Any, asked_as: Any, sent_case: list[bool], asked_case: list[bool]
) -> None:
    def cased(text: str, upper: list[bool]) -> str:
        return "".join(char.upper() if up else char for char, up in zip(text, upper, strict=False))

    sent, asked = cased(sent_as(uuid), sent_case), cased(asked_as(uuid), asked_case)
    assert stored_id(sent) in spellings(asked)
    assert same_id(sent) == same_id(asked) == same_id(stored_id(sent))


@given(st.text(max_size=40))
def test_any_other_id_is_only_itself(event_id: str) -> None:
    if len(same_id(event_id)) != 32:
        assert [event_id] == spellings(event_id)
        assert event_id == same_id(event_id) == stored_id(event_id)


@given(st.uuids().map(str), st.sampled_from([str.lower, str.upper, lambda text: text.replace("-", "")]))
def test_the_usual_spellings_are_stored_as_sent(uuid: str, spelled: Any) -> None:
    assert stored_id(spelled(uuid)) == spelled(uuid)


CONTROLS = ["\0", "a\nb", "a\n", "\r", "\x1b[31m", "\x7f", "\x85", "\x9f"]


@pytest.mark.parametrize("event_id", CONTROLS)
def test_an_error_whose_id_has_control_characters_is_bad(event_id: str) -> None:
    error = {"message": "m", "event_id": event_id}
    with pytest.raises(InvalidBody) as refused:
        ERRORS.validate(json.dumps(error).encode())
    (detail,) = json.loads(ERRORS.api.answer(refused.value).body)["detail"]
    assert (detail["type"], detail["loc"]) == ("string_pattern_mismatch", ["body", "event_id"])
    part = ERRORS.validate(json.dumps([{"message": "m"}, error]).encode())
    assert (part.n, part.dropped, list(part.told)) == (1, [(1, "invalid")], ["1:invalid_event_id"])


@pytest.mark.parametrize("event_id", ["é😀", "a b", "a,b/c", "\u2028", "x" * 128])
def test_any_other_characters_are_an_id(event_id: str) -> None:
    assert ERRORS.validate(json.dumps({"message": "m", "event_id": event_id}).encode()).event_ids == [event_id]
