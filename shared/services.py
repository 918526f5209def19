"""Where the neighbours are, as settings."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.secret import Secret, Url


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Where the neighbours are."""

    queue_url: Annotated[Secret, Meta(description="sqlite:///path/queue.db, or kafka://host:port[,host:port]")] = (
        Secret("sqlite:///var/queue/queue.db")
    )
    clickhouse_url: Annotated[
        Url, Meta(description="clickhouse://user:password@host:port/database, native protocol; the writer's user")
    ] = Url("clickhouse://default@127.0.0.1:9000/sluice")
    clickhouse_read_url: Annotated[
        Url, Meta(description="The same for the query API: a user with readonly=2; empty: clickhouse_url")
    ] = Url()
    postgres_url: Annotated[Url, Meta(description="Projects and keys: a libpq URL")] = Url(
        "postgresql://postgres@127.0.0.1:5432/sluice"
    )
    redis_url: Annotated[Url, Meta(description="Rate limits and idempotency: redis://host:port/db")] = Url(
        "redis://127.0.0.1:6379/0"
    )
    vercel_verify: Annotated[
        str,
        Meta(
            pattern=r"^([!-~]([ -~]*[!-~])?)?\Z",
            description="x-vercel-verify for Vercel where neither project nor request has a code: printable ASCII",
        ),
    ] = ""
    sentry_quiet: Annotated[
        bool, Meta(description="Whether Sentry's SDKs are asked not to send for an hour what is not stored")
    ] = True
    extensions: Annotated[Path | None, Meta(description="Folder with signals/*.py and formats/*.py of your own")] = None
    clock_offset_s: Annotated[
        float, Meta(description="Seconds added to this process's clock, for tests of clocks that step")
    ] = 0.0
