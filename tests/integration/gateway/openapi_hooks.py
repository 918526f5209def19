"""What schemathesis must know about Sluice's API beyond its document: what there is to find, how NDJSON is written, and
how a body is packed. Its own process loads this file (`SCHEMATHESIS_HOOKS`)."""

import json
import os
import secrets
from typing import Any

import cramjam
import schemathesis

NAMES = ("project_id", "event_id", "release", "fingerprint", "trace_id", "view_id", "rule_id", "ref")
THERE_IS = {name: os.environ[f"OPENAPI_{name.upper()}"] for name in NAMES}
TO_DELETE = {name: iter(os.environ[f"OPENAPI_{name.upper()}_TO_DELETE"].split()) for name in ("view_id", "rule_id")}
A_RULE = {"kind": "new_group", "url": "https://127.0.0.1:1"}
SOURCE_MAP = '{"version":3,"sources":[],"names":[],"mappings":""}'

PACK = {
    "gzip": cramjam.gzip.compress,
    "x-gzip": cramjam.gzip.compress,
    "deflate": cramjam.zlib.compress,
    "br": cramjam.brotli.compress,
    "zstd": cramjam.zstd.compress,
}


def as_json(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else as_json(value)


@schemathesis.serializer("application/x-protobuf")
def protobuf(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else as_json(value)


@schemathesis.serializer("application/x-sentry-envelope")
def envelope(ctx: schemathesis.SerializationContext, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else as_json(value)


@schemathesis.hook
def filter_case(ctx: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """`GET` there is 404 by contract (sentry.md, "Routes"), and 405 is what would be looked for."""
    return not (case.path == "/api/store" and case.method == "GET")


@schemathesis.hook
def before_call(ctx: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Makes every other path name something that exists, since made-up names are all answered with 404, and every other
    form hold a source map. Packs a body as its header says, since nearly all would be unreadable otherwise. Tails end
    at once."""
    made_up = case.meta is not None and case.meta.phase.name.value == "fuzzing"
    for name, value in (case.path_parameters or {}).items():
        if name in THERE_IS and not (made_up and len(str(value)) % 2):
            case.path_parameters[name] = THERE_IS[name]
    if "sentry_project" in (case.path_parameters or {}):  # other characters than digits make it another path
        case.path_parameters["sentry_project"] = "1"
    if case.path.endswith("/tail") and str((case.query or {}).get("seconds", "0")).isdecimal():
        case.query = {**(case.query or {}), "seconds": "0"}
    if "/alerts" in case.path and isinstance(case.body, dict) and len(str(case.body)) % 3 == 0:
        case.body = A_RULE | {"name": secrets.token_hex(8)}  # few parameters go together
    if case.method == "PUT" and isinstance(case.body, dict) and "name" in case.body:
        case.body = case.body | {"name": secrets.token_hex(8)}  # nearly all others are taken by now
    if case.method == "PATCH" and isinstance(case.body, dict) and case.body.get("fingerprints"):
        case.body = case.body | {"fingerprints": [THERE_IS["fingerprint"]]}
    for name, left in TO_DELETE.items() if case.method == "DELETE" else ():
        if (case.path_parameters or {}).get(name) == THERE_IS[name]:
            case.path_parameters[name] = next(left, "none")  # the others are still asked for
    if case.media_type == "multipart/form-data" and not (made_up and len(str(case.body)) % 2):
        kwargs |= {"data": {"release": THERE_IS["release"]}, "files": {"files": ("a.js.map", SOURCE_MAP)}}
        if case.headers:
            case.headers.pop("Content-Encoding", None)
        return
    pack = PACK.get(str((case.headers or {}).get("Content-Encoding")))
    if pack is not None and isinstance(case.body, dict | list | str):
        case.body = bytes(pack(as_json(case.body)))
