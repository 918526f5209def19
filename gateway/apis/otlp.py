"""OTLP/HTTP: refusals are google.rpc.Status, in the encoding of the request (contracts.md, "OTLP")."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from gateway.apis.base import Api
from gateway.apis.shapes import RpcStatus
from gateway.rejections import Rejection, Unreadable
from gateway.validation.faults import Fault
from shared.formats.otlp.encoding import is_json
from shared.formats.otlp.schema import FULL

_INVALID_ARGUMENT = 3

_CODES: Mapping[int, int] = {401: 16, 403: 7, 404: 5, 413: 8, 429: 8, 500: 13, 503: 14}
"""HTTP status -> code of google.rpc; `_INVALID_ARGUMENT` for the others."""

_MALFORMED = "Malformed OTLP in request body"


class Otlp(Api):
    """`/v1/*`: `{"code": number, "message": sentence}`, for JSON and for what is not known yet."""

    name = "otlp"
    prefix = "/v1/"
    also = ("application/x-protobuf",)
    sentences: ClassVar[Mapping[type[Rejection], str]] = {Unreadable: _MALFORMED}
    sentry_keys = True
    shapes = (RpcStatus,)

    def dialect(self, content_type: bytes, body: bytes) -> Api:
        return API if is_json(content_type.decode("latin-1"), body) else _PROTOBUF

    def refusal(self, rejection: Rejection, sentence: str) -> Any:
        return _status(_CODES.get(self.status(rejection), _INVALID_ARGUMENT), sentence)

    def invalid(self, faults: Iterable[Fault], more: int = 0) -> Any:
        return _status(_INVALID_ARGUMENT, _MALFORMED)

    def malformed(self, body: bytes) -> Any:
        return _status(_INVALID_ARGUMENT, _MALFORMED)


class _OtlpProtobuf(Otlp):
    media_type = Otlp.also[0]

    def encode(self, value: Any) -> bytes:
        made: bytes = FULL["Refusal"](code=value["code"], message=value["message"].encode()).SerializeToString()
        return made


API = Otlp()
_PROTOBUF = _OtlpProtobuf()


def _status(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}
