"""A request's headers by name, where they say one thing only."""

from starlette.types import Scope

from gateway.rejections import Ambiguous

_ONCE = frozenset({b"authorization", b"x-api-key", b"origin", b"content-length", b"content-encoding", b"host"})
"""Of these there is one: whoever stands in between may have looked at another one than we would."""

_NAME = "sluice.headers"


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers, looked at once a request. Raises `Ambiguous`."""
    headers: dict[bytes, bytes] | None = scope.get(_NAME)
    if headers is None:
        sent = scope["headers"]
        headers = scope[_NAME] = dict(sent)
        if len(headers) != len(sent) or b"transfer-encoding" in headers:
            _refuse_ambiguous(headers, [name for name, _ in sent])
    return headers


def _refuse_ambiguous(headers: dict[bytes, bytes], names: list[bytes]) -> None:
    if any(names.count(name) > 1 for name in _ONCE):
        raise Ambiguous
    # What was packed for the way is unpacked by nobody here, and each server reads such a list in its own way.
    if headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
        raise Ambiguous
    if names.count(b"transfer-encoding") > 1:
        raise Ambiguous
