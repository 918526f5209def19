"""The routes of source maps in OpenAPI's words."""

from typing import Literal

import msgspec

from gateway.apis.deeptracer import API
from gateway.http.unpack import CODINGS
from gateway.openapi import Components, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.rejections import LacksScope, Rejection, Unreadable, UnsupportedEncoding
from gateway.sourcemaps.form import MAX_PARTS, MAX_RELEASE
from gateway.sourcemaps.refusals import BadUpload, PublicKey, QuotaUsedUp, ReleaseNotFound, UploadTooLarge

_OF_UPLOAD = (
    BadUpload("The field release is missing"),
    Unreadable("not packed as Content-Encoding says"),
    UnsupportedEncoding(),
    UploadTooLarge(50_000_000),
    QuotaUsedUp("with this upload it would have 5,000,000,001 bytes, of 5,000,000,000 allowed"),
)


class SourcemapsDone(msgspec.Struct, forbid_unknown_fields=True):
    """The release, and how many files came or went."""

    ok: Literal[True]
    release: str
    count: int


def upload(components: Components) -> Json:
    form = {
        "type": "object",
        "required": ["release", "files"],
        "properties": {
            "release": {"type": "string", "minLength": 1, "maxLength": MAX_RELEASE},
            "files": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_PARTS - 1,
                "items": {"type": "string", "contentMediaType": "application/json"},
                "description": "Source maps, and the minified scripts if you like; the filename of each is its path "
                "below the build folder.",
            },
        },
    }
    coding = {"name": "Content-Encoding", "in": "header", "schema": {"enum": ["identity", *_codings()]}}
    return _operation(_OF_UPLOAD, components) | {
        "operationId": "upload_sourcemaps",
        "summary": "Store a release's source maps",
        "description": "A 2xx is sent once every file is durable. A file of the same release and path is replaced.",
        "parameters": [coding],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
    }


def remove(components: Components) -> Json:
    return _operation((*OF_PATH, ReleaseNotFound()), components) | {
        "operationId": "remove_sourcemaps",
        "summary": "Remove a release's source maps",
        "description": "A release may hold slashes.",
    }


def _operation(refused: tuple[Rejection, ...], components: Components) -> Json:
    done = SourcemapsDone(True, "1.4.2", 2)
    answer = {
        "description": "Done",
        "headers": REQUEST_ID | limits(required=False),
        "content": {
            "application/json": {
                "schema": components.schema(SourcemapsDone),
                "examples": {"done": {"value": msgspec.to_builtins(done)}},
            }
        },
    }
    everything = (*EVERYWHERE, *WITH_KEY, LacksScope("ingest"), PublicKey(), *refused)
    return {
        "tags": ["sourcemaps"],
        "security": KEY_SCHEMES,
        "responses": {"200": answer, **refusals(API, everything, components)},
    }


def _codings() -> list[str]:
    return [coding.decode() for coding in CODINGS]
