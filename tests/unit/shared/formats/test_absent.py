"""An empty text is as good as absent, and PHP's empty array is an empty object (contracts.md, "What is valid")."""

import json
from typing import Any

import pytest

from gateway.rejections import InvalidBody
from shared.formats import (
    deeptracer_errors,
    deeptracer_llm,
    deeptracer_logs,
    deeptracer_traces,
    proliferate_errors,
    proliferate_logs,
    vercel_drain,
)
from tests.unit.shared.formats.test_levels import row_of
from tests.validating import Door

DEEPTRACER = {
    deeptracer_errors: {"error_message": "m", "stack_trace": "s"},
    deeptracer_llm: {
        "model": "m", "provider": "p", "operation": "o", "input_tokens": 1, "output_tokens": 1, "latency_ms": 1,
    },
    deeptracer_traces: {
        "trace_id": "t", "span_id": "s", "operation": "o", "start_time": "2026-02-23T00:00:00Z", "duration_ms": 1,
    },
}  # fmt: skip
LOG = {"level": "info", "message": "m", "timestamp": 0}


@pytest.mark.parametrize("contract", DEEPTRACER, ids=lambda contract: contract.FORMAT.name)
def test_an_empty_service_or_environment_of_a_record_is_the_default(contract: Any) -> None:
    row = row_of(Door(contract), DEEPTRACER[contract] | {"service": "", "environment": ""})
    assert (row["service"], row["environment"]) == ("unknown", "production")


@pytest.mark.parametrize("said", [{}, {"service": "", "environment": ""}])
def test_an_empty_service_or_environment_of_a_request_is_the_default(said: dict[str, str]) -> None:
    log = {"level": "info", "message": "m"}
    part = Door(deeptracer_logs).validate(json.dumps(said | {"logs": [log]}).encode())
    assert (part.service, part.environment) == ("unknown", "production")
    part = Door(proliferate_logs).validate(json.dumps(said | {"logs": [log]}).encode())
    assert (part.service, part.environment) == ("", "production")
    assert row_of(Door(proliferate_errors), said | {"message": "m"})["environment"] == "production"


@pytest.mark.parametrize("empty", ["", None, ...])
def test_what_is_empty_in_a_drains_entry_is_the_default(empty: Any) -> None:
    names = ("message", "projectName", "environment", "path")
    entry = {} if empty is ... else dict.fromkeys(names, empty)
    row = row_of(Door(vercel_drain), [entry | {"host": "h.example", "proxy": {"method": "GET", "path": "/x"}}])
    assert (row["message"], row["service"], row["environment"]) == ("GET /x", "h.example", "production")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "/x", "statusCode": 404}, "/x 404"),
        ({"path": "/x", "method": "GET", "message": ""}, "GET /x"),
        ({"proxy": {"method": "GET", "path": ""}, "path": "x", "statusCode": 200}, "GET x 200"),
        ({"proxy": {"statusCode": 503}}, "503"),
        ({"proxy": [], "path": "/x"}, "/x"),
        ({"statusCode": 500}, ""),
        ({"path": ""}, ""),
        ({"message": "said", "path": "/x"}, "said"),
    ],
)
def test_an_entry_without_a_message_gets_its_request_line_from_what_there_is(
    entry: dict[str, Any], message: str
) -> None:
    assert row_of(Door(vercel_drain), [entry])["message"] == message


@pytest.mark.parametrize("text", ['{"a":1.50,"b":[1]}', "[1, 2]", "5", "1.50", "1e400", "true", "[]", "{}"])
def test_a_drains_message_that_is_no_text_is_its_json(text: str) -> None:
    door = Door(vercel_drain)
    rows = door.format.codec.read(bytes(door.validate(b'[{"message":%b}]' % text.encode()).payload))
    assert door.format.columns(_rows(rows))["message"] == [text]


def _rows(records: list[Any]) -> Any:
    from shared.envelope import VERSION, Stamp
    from shared.formats.base import Rows

    rows = Rows()
    stamp = Stamp(v=VERSION, format="vercel.drain", project_id="p", received_at=1, retention_days=7, n=len(records))
    rows.add(stamp, records)
    return rows


@pytest.mark.parametrize("field", ["attributes", "user", "account"])
def test_an_empty_array_of_php_is_an_empty_object_in_a_log(field: str) -> None:
    row = row_of(Door(proliferate_logs), {"logs": [LOG | {field: []}, ]})  # fmt: skip
    assert row["user_id"] == row["account_id"] == ""
    for other in ([1], [[]], [{}]):
        assert Door(proliferate_logs).validate(json.dumps({"logs": [LOG | {field: other}]}).encode()).n == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": []}, {"context": []}, {"user": []}, {"account": []}, {"exception": []}, {"context": {"user": []}},
        {"context": {"user": [], "tags": []}}, {"exception": {"value": "v", "mechanism": []}},
    ],
)  # fmt: skip
def test_an_empty_array_of_php_is_an_empty_object_in_an_error(fields: dict[str, Any]) -> None:
    for body in (fields | {"message": "m"}, [fields | {"message": "m"}]):
        row = row_of(Door(proliferate_errors), body)
        assert (row["user_id"], row["handled"]) == ("", 0)


@pytest.mark.parametrize("empty", [[], {}, {"id": []}, {"id": {}}, None])
@pytest.mark.parametrize("around", [lambda user: {"user": user}, lambda user: {"context": {"user": user}}])
def test_an_errors_user_whose_id_is_an_empty_object_has_no_id(around: Any, empty: Any) -> None:
    fields = around({"id": empty, "email": "a@b.example", "plan": "pro"}) | {"message": "m"}
    for body in (fields, [fields]):
        row = row_of(Door(proliferate_errors), body)
        assert (row["user_id"], row["user_email"], row["user"]) == ("", "a@b.example", b'{"plan":"pro"}')


@pytest.mark.parametrize("wrong", [[], {}, [1], {"id": 5}, True])
def test_an_id_that_can_be_no_object_may_be_no_empty_array_either(wrong: Any) -> None:
    for owner in ("user", "account"):
        part = Door(proliferate_logs).validate(json.dumps({"logs": [LOG | {owner: {"id": wrong}}, LOG]}).encode())
        assert (part.n, part.told) == (1, [f"0:invalid_{owner}"])
    with pytest.raises(InvalidBody):
        Door(proliferate_errors).validate(json.dumps({"message": "m", "account": {"id": wrong}}).encode())


@pytest.mark.parametrize("wrong", [[1], [[]], [{}], True])
def test_an_array_that_is_not_empty_is_no_id(wrong: Any) -> None:
    for user in ({"user": {"id": wrong}}, {"context": {"user": {"id": wrong}}}):
        with pytest.raises(InvalidBody):
            Door(proliferate_errors).validate(json.dumps(user | {"message": "m"}).encode())


def test_a_drains_entry_is_taken_whatever_its_objects_are() -> None:
    for empty in ([], {}):
        entry = {"message": "m", "proxy": empty, "user": {"id": empty}}
        row = row_of(Door(vercel_drain), [entry])
        assert (row["message"], json.loads(row["attributes"])["user"]) == ("m", {"id": empty})


@pytest.mark.parametrize("empty", [[], {}])
def test_a_deeptracer_log_has_any_user_in_its_metadata(empty: Any) -> None:
    log = {"level": "info", "message": "m", "metadata": {"user": {"id": empty}}}
    row = row_of(Door(deeptracer_logs), {"logs": [log]})
    assert (row["user_id"], json.loads(row["attributes"])) == ("", log["metadata"])


def test_an_empty_array_stays_one_on_deeptracer_routes() -> None:
    with pytest.raises(InvalidBody):
        Door(deeptracer_errors).validate(json.dumps(DEEPTRACER[deeptracer_errors] | {"context": []}).encode())
