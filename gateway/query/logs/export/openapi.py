"""The route of an export in OpenAPI's words."""

from gateway.apis.proliferate import API
from gateway.openapi import Components, Json
from gateway.openapi.answers import COMPLETE, EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.exports import TooManyExports
from gateway.query.listed import ListedParameters
from gateway.query.logs.export.query import MEANINGS, parse_export
from gateway.query.parameters import Parameters
from gateway.query.question import MEANINGS as COMMON
from gateway.query.refusals import BadQuery, ProjectNotFound
from gateway.rejections import LacksScope

_DISPOSITION = {"Content-Disposition": {"description": "A name for the file.", "schema": {"type": "string"}}}


def export_operation(components: Components) -> Json:
    listed = ListedParameters({**COMMON, **MEANINGS})
    parse_export(listed)
    refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope("read"), ProjectNotFound(), TooManyExports(), _bad_query())
    return {
        "operationId": "logs_export",
        "summary": "The logs that a query finds, as a file",
        "description": "At most a million, the newest first. The last line is a manifest with the number of rows and"
        " the SHA-256 of all bytes before it: a file without it isn't whole.",
        "tags": ["query"],
        "parameters": listed.found,
        "security": KEY_SCHEMES,
        "responses": {
            "200": {
                "description": "The file",
                "headers": REQUEST_ID | limits(required=False) | COMPLETE | _DISPOSITION,
                "content": {kind: {"schema": {"type": "string"}} for kind in ("application/x-ndjson", "text/csv")},
            },
            **refusals(API, refused, components),
        },
    }


def _bad_query() -> BadQuery:
    """How bad parameters are refused."""
    try:
        parse_export(Parameters([("columns", "nothing")]))
    except BadQuery as refusal:
        return refusal
    raise AssertionError("an unknown column was accepted")
