"""Forms of the pages: read within limits, and believed only with the token that a page of ours held
(pages.md, "Security")."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from gateway.http.request import ClientGone
from gateway.query.pages.security import is_own
from gateway.rejections import Rejection, TimedOut, TooLarge

MAX_BYTES = 16_384
MAX_FIELDS = 50
WITHIN_S = 10.0

TOKEN = "form_token"  # noqa: S105 - a field's name


class Forged(Rejection):
    """The form was not sent by a page of ours, or the page is of another session."""

    status = 403
    reason = "form_token"
    sentence = "This form is no longer good: open the page again, then send it once more"


def token_for(secret: str) -> str:
    """The token of the forms of one visit. `secret`: what only its cookie holds; the token doesn't give it away."""
    return hashlib.sha256(b"form\0" + secret.encode(errors="replace")).hexdigest()


async def read_form(request: Request, secret: str) -> Mapping[str, str]:
    """The fields of a form of this visit, of repeated ones the last. Raises `Forged`, `TooLarge`, `TimedOut`,
    `ClientGone`."""
    return dict(await read_fields(request, secret))


async def read_fields(
    request: Request, secret: str, most: int = MAX_FIELDS, size: int = MAX_BYTES
) -> list[tuple[str, str]]:
    """All fields of a form of this visit, in order. `most`: how many; `size`: bytes. Raises as `read_form` does."""
    if not is_own(request):
        raise Forged
    try:
        async with asyncio.timeout(WITHIN_S):
            body = await _body(request, size)
    except TimeoutError as error:
        raise TimedOut from error
    except ClientDisconnect as error:
        raise ClientGone from error
    try:
        fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=most)
    except ValueError as error:
        raise TooLarge from error
    if not secret or not hmac.compare_digest(dict(fields).get(TOKEN, "").encode(), token_for(secret).encode()):
        raise Forged
    return fields


async def _body(request: Request, size: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > size:
            raise TooLarge
    return bytes(body)
