"""The answer that ends a connection when no route can give one: the request never came whole, or had no place."""

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.apis import Apis
from gateway.http.cycle import CLOSE
from gateway.rejections import Rejection


def closing_answer(apis: Apis, path: bytes, rejection: Rejection, standing: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes that say `rejection` in the shape of the API of `path`; `standing` are the usual headers."""
    api = apis.of_path(path.decode("latin-1"))
    answer = api.answer(rejection)
    headers = [
        (b"content-type", api.media_type.encode()),
        *standing,
        *(header for header in answer.headers if header[0] != b"connection"),
        (b"content-length", b"%d" % len(answer.body)),
        CLOSE,
    ]
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"%b%b\r\n%b" % (STATUS_LINE[answer.status], lines, answer.body)
