"""`POST /v1/metrics`: data points are counted and not stored (contracts.md, "OTLP"). An SDK that is answered 404 logs
an error every minute."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from shared.envelope import Undecodable
from shared.formats.base import Format
from shared.formats.codec import Codec, Payload
from shared.formats.intake import Encoded, Intake
from shared.formats.otlp.encoding import MANY_TAGS, by_encoding, is_heavy
from shared.formats.otlp.protobuf import checked
from shared.formats.otlp.replies import POINTS, reply
from shared.formats.otlp.schema import FULL

MOST = 1_000_000
"""Data points in one request."""

KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")


class _Counted(Codec):
    """Data points are looked at and never kept."""

    def read(self, payload: Payload) -> list[Any]:
        return list(self.look(payload))

    def keep(self, payload: Payload, indices: Sequence[int]) -> bytes:
        return b""

    def sizes(self, payload: Payload) -> list[int]:
        return [0] * len(self.read(payload))


class _Protobuf(_Counted):
    media_type = "application/x-protobuf"

    def look(self, payload: Payload) -> Iterator[Any]:
        request = checked(FULL["Metrics"].FromString, payload)
        for resource in request.resources:
            for scope in resource.scopes:
                for metric in scope.metrics:
                    for kind in KINDS:
                        yield from getattr(metric, kind).points


class _Points(msgspec.Struct, gc=False, rename="camel"):
    data_points: list[msgspec.Raw] | None = None


class _Metric(msgspec.Struct, gc=False, rename="camel"):
    gauge: _Points | None = None
    sum: _Points | None = None
    histogram: _Points | None = None
    exponential_histogram: _Points | None = None
    summary: _Points | None = None


class _Scope(msgspec.Struct, gc=False):
    metrics: list[_Metric] | None = None


class _Resource(msgspec.Struct, gc=False, rename="camel"):
    scope_metrics: list[_Scope] | None = None


class _Request(msgspec.Struct, gc=False, rename="camel"):
    resource_metrics: list[_Resource] | None = None


class _Json(_Counted):
    media_type = "application/json"

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(_Request).decode

    def look(self, payload: Payload) -> Iterable[Any]:
        try:
            request = self._decode(payload or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Undecodable(str(error)) from error
        scopes = [scope for resource in request.resource_metrics or () for scope in resource.scope_metrics or ()]
        points = [getattr(metric, kind) for scope in scopes for metric in scope.metrics or () for kind in KINDS]
        return [point for some in points if some is not None for point in some.data_points or ()]


def judge(point: Any) -> str:
    return "metrics_unsupported"


PROTOBUF = Format("otlp.metrics", signal="metrics", columns=None, codec=_Protobuf())
JSON = Format("otlp.metrics.json", signal="metrics", columns=None, codec=_Json())


def _is_heavy(body: bytes) -> bool:
    """A point may be any JSON, also one without a brace."""
    return is_heavy(body) or (len(body) > MANY_TAGS and body.count(b",") > MANY_TAGS)


INTAKE = Intake(
    routes=("/v1/metrics",),
    api="otlp",
    bodies={
        name: Encoded(most=MOST, judge=judge, dropped_as="metrics_unsupported") for name in (PROTOBUF.name, JSON.name)
    },
    reply=partial(reply, POINTS),
    unwrap=by_encoding(PROTOBUF.name, JSON.name),
    is_heavy=_is_heavy,
    examples={"nothing": {"resourceMetrics": []}},
)
