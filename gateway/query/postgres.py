"""What people have made, asked of Postgres for an answer."""

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from gateway.rejections import Unavailable
from shared.clients.postgres import PostgresUnavailable

T = TypeVar("T")

_log = structlog.get_logger(__name__)


async def known(work: Awaitable[T], what: str) -> T:
    """What Postgres says. `what`: can't be asked for otherwise, e.g. `views`. Raises `Unavailable`."""
    try:
        return await work
    except PostgresUnavailable as error:
        _log.warning(f"{what} can't be asked for", error=str(error))
        raise Unavailable from error
