"""The OpenAPI document (`gateway.openapi`): valid, complete, and true to what the routes accept and answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from gateway.apis import load as load_apis
from gateway.app import Dispatch, build_app
from gateway.assembly import assemble
from gateway.openapi import Described
from gateway.openapi.answers import DRAIN, EVERYWHERE, OF_PATH, is_like
from gateway.openapi.document import Document
from gateway.query.logs.filters import EQUAL, MAX_LIMIT
from gateway.query.pages.route import PageRoute
from gateway.rejections import Answered, Rejection, Worded
from shared import registry, settings
from shared.formats.intake import Intake
from tests.integration.test_sixth_signal import FORMAT, SIGNAL

Json = dict[str, Any]
INTAKES = registry.load().intakes
APIS = load_apis()


@pytest.fixture
def app(tmp_path: Path) -> Dispatch:
    return served(tmp_path)


@pytest.fixture
def document(app: Dispatch) -> Json:
    return document_of(app)


def served(folder: Path, **environment: str) -> Dispatch:
    """The gateway as its settings make it, connected to nothing."""
    queue = {"SLUICE_QUEUE_URL": f"sqlite:///{folder / 'queue.db'}"}
    return build_app(assemble(settings.load(queue | environment)))


def document_of(app: Dispatch) -> Json:
    made: Json = json.loads(Document(app.rest.routes).body)
    return made


def resolved(value: Any, document: Json) -> Any:
    """A value of the document, or what it refers to."""
    if not (isinstance(value, dict) and "$ref" in value):
        return value
    for part in value["$ref"].removeprefix("#/").split("/"):
        document = document[part]
    return document


def examples(value: Any, place: str = "") -> Iterator[tuple[str, Json, Any]]:
    """(where, schema, example) of every example."""
    if isinstance(value, dict):
        if "schema" in value:
            for name, example in value.get("examples", {}).items():
                yield f"{place}/{name}", value["schema"], example["value"]
        for key, each in value.items():
            yield from examples(each, f"{place}/{key}")


def test_it_is_valid_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_the_validity_check_sees_a_fault(document: Json) -> None:
    document["paths"]["/health"]["get"]["responses"]["200"]["description"] = 7
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(document).validate()


def test_every_route_is_in_it_and_nothing_else(app: Dispatch, document: Json) -> None:
    serving = {
        (route.path_format.rstrip("/"), method.lower())
        for route in app.rest.routes
        if isinstance(route, Described)
        for method in route.methods or ()
    }
    assert all(isinstance(route, Described | PageRoute) for route in app.rest.routes)
    told = {(path, method) for path, item in document["paths"].items() for method in item if method != "parameters"}
    assert told == serving
    assert ("/ingest/drain/{project_id}", "head") in told


def test_operations_have_ids_of_their_own(document: Json) -> None:
    ids = [
        operation["operationId"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(set(ids)) == len(ids)


def test_every_example_fits_its_schema(document: Json) -> None:
    found = list(examples(document))
    for where, schema, example in found:
        complete = {**schema, "components": document["components"]}
        assert jsonschema_rs.Draft202012Validator(complete).is_valid(example), where
    assert len(found) > 60


@pytest.mark.parametrize("intake", INTAKES, ids=lambda intake: intake.name)
def test_every_intake_of_ours_brings_an_example(intake: Intake) -> None:
    assert intake.examples


def test_every_refusal_there_is_is_in_it(document: Json) -> None:
    """Whoever adds a refusal to the tree has to say which routes answer it. Examples are named by the reasons."""
    named = {place.rpartition("/")[2] for place, _, _ in examples(document["components"]["responses"])}
    told = json.dumps(document["components"]["responses"])
    for kind in descendants(Rejection):
        # The one is never raised itself, the other stands for any of them; pages are no part of the API.
        if kind not in (Worded, Answered) and not kind.__module__.startswith("gateway.query.pages."):
            assert kind.reason in named
    scopes = [f"lacks the {scope} scope" for scope in ("ingest", "read", "triage")]
    for sentence in ("Project not found", "Event not found", "View not found", *scopes):
        assert sentence in told


def descendants(kind: type[Rejection]) -> Iterator[type[Rejection]]:
    for below in kind.__subclasses__():
        yield below
        yield from descendants(below)


@pytest.mark.parametrize("path", ["/ingest/logs", "/api/v1/logs"])
def test_every_refusal_has_exactly_one_shape(path: str) -> None:
    api = APIS.of_path(path)
    for rejection in (*EVERYWHERE, *DRAIN, *OF_PATH):
        body = json.loads(api.answer(rejection).body)
        assert sum(is_like(body, shape) for shape in api.shapes) == 1, body


def test_the_limits_of_a_format_are_told(document: Json) -> None:
    schemas = document["components"]["schemas"]
    frame = schemas["DeeptracerLogsFrame"]["properties"]
    assert (frame["logs"]["minItems"], frame["logs"]["maxItems"]) == (1, 1000)
    assert frame["logs"]["items"] == {"$ref": "#/components/schemas/DeeptracerLogsLog"}
    assert (frame["service"]["default"], frame["release"]["maxLength"]) == ("unknown", 128)
    log = schemas["DeeptracerLogsLog"]
    assert log["required"] == ["level", "message"]
    assert log["properties"]["level"] == {"enum": ["debug", "error", "info", "warn"]}
    assert log["properties"]["timestamp"]["format"] == "date-time"
    assert log["properties"]["metadata"]["type"] == "object"
    assert schemas["DeeptracerLlmCall"]["properties"]["input_tokens"]["minimum"] == 0
    assert "`warning` is `warn`" in schemas["ProliferateLogsLog"]["properties"]["level"]["description"]
    assert "dropped and counted" in schemas["ProliferateLogsFrame"]["properties"]["logs"]["description"]


def test_a_body_may_carry_the_key(document: Json) -> None:
    for name in ("DeeptracerLogsFrame", "DeeptracerTracesSpan", "ProliferateLogsFrame", "ProliferateErrorsError"):
        assert "api_key" in document["components"]["schemas"][name]["properties"]


def test_the_parameters_are_those_that_the_route_reads(document: Json) -> None:
    parameters = {p["name"]: p for p in document["paths"]["/api/v1/projects/{project_id}/logs"]["get"]["parameters"]}
    own = {"q", "budget", "levels", "search", "start_time", "end_time", "limit", "offset", "cursor", "include", "attr."}
    own |= {"as_of"}
    assert parameters.keys() == own | set(EQUAL)
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}
    of_event = document["paths"]["/api/v1/events/{event_id}/logs"]["get"]["parameters"]
    assert [p["name"] for p in of_event] == ["include", "cursor", "as_of"]


def test_the_statuses_of_each_kind_of_route(document: Json) -> None:
    def statuses(path: str, method: str) -> set[int]:
        return {int(status) for status in document["paths"][path][method]["responses"]}

    any_route = {400, 405, 408, 413, 500}
    ingest = any_route | {401, 403, 415, 429, 503}
    assert statuses("/ingest/logs", "post") == ingest | {200}
    assert statuses("/ingest/drain", "post") == ingest | {200}
    assert statuses("/ingest/drain/{project_id}", "post") == ingest | {200, 404}
    assert statuses("/ingest/drain", "head") == any_route | {200, 503}
    assert statuses("/api/v1/logs/batch", "post") == ingest | {202, 422}
    with_key = any_route | {401, 403, 429, 503}
    assert statuses("/ingest/sourcemaps", "post") == with_key | {200, 415}
    assert statuses("/ingest/sourcemaps/{release}", "delete") == with_key | {200, 404}
    query = any_route | {200, 401, 403, 404, 422, 429, 503}
    assert statuses("/api/v1/projects/{project_id}/logs", "get") == query
    assert statuses("/api/v1/events/{event_id}", "get") == query
    assert statuses("/api/v1/projects/{project_id}/views", "get") == query
    assert statuses("/api/v1/projects/{project_id}/views", "post") == query - {200} | {201, 409, 415}
    assert statuses("/api/v1/projects/{project_id}/views/{view_id}", "put") == query | {409, 415}
    assert statuses("/api/v1/projects/{project_id}/views/{view_id}", "delete") == query
    assert statuses("/health", "get") == any_route | {200}
    assert statuses("/health/ready", "get") == any_route | {200, 503}


def test_headers_of_refusals_are_told(document: Json) -> None:
    responses = document["paths"]["/ingest/logs"]["post"]["responses"]
    headers = {status: resolved(response, document)["headers"] for status, response in responses.items()}
    assert all(told["X-Request-Id"]["required"] for told in headers.values())
    assert headers["429"]["Retry-After"]["required"]
    assert headers["429"]["X-RateLimit-Limit"]["required"]
    assert headers["503"]["Retry-After"]["required"]
    assert headers["405"]["Allow"]["required"]


@pytest.mark.parametrize(("role", "other"), [("ingest", "/api/v1/projects"), ("query", "/ingest/")])
def test_a_role_that_is_not_served_is_not_in_it(role: str, other: str, tmp_path: Path) -> None:
    paths = document_of(served(tmp_path, SLUICE_GATEWAY_ROLES=role))["paths"]
    assert not [path for path in paths if path.startswith(other)]
    assert "/health" in paths
    assert len(paths) > 4


def extended(folder: Path, text: str = FORMAT) -> Dispatch:
    """The gateway with an extension's signal and format."""
    for kind, content in (("signals", SIGNAL), ("formats", text)):
        (folder / kind).mkdir()
        (folder / kind / "acme.py").write_text(content)
    return served(folder, SLUICE_EXTENSIONS=str(folder))


def test_a_format_of_an_extension_is_in_it(tmp_path: Path) -> None:
    document = document_of(extended(tmp_path))
    operation = document["paths"]["/acme/points"]["post"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["required"] == ["stored"]
    points = document["components"]["schemas"]["AcmePointsFrame"]["properties"]["points"]
    assert (points["maxItems"], points["items"]) == (10, {"$ref": "#/components/schemas/AcmePointsPoint"})
    schemathesis.openapi.from_dict(document).validate()


def test_fields_are_told_by_their_names_in_json(tmp_path: Path) -> None:
    renamed = FORMAT.replace(
        "class Point(msgspec.Struct,", 'class Point(msgspec.Struct, rename={"name": "point.name"},'
    )
    schemas = document_of(extended(tmp_path, renamed))["components"]["schemas"]
    assert schemas["AcmePointsPoint"]["required"] == ["point.name", "value"]


def test_an_example_that_its_own_format_refuses_is_named(tmp_path: Path) -> None:
    bad = FORMAT.replace("    reply=reply,\n)", '    reply=reply,\n    examples={"bad": {"points": []}},\n)')
    with pytest.raises(registry.BadExtension, match=r"example bad of /acme/points.*at least 1 element"):
        document_of(extended(tmp_path, bad))
