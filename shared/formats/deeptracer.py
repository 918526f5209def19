"""What the four DeepTracer formats share (seed `003_bc9c13213d460ebf`)."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.formats.base import ABSENT, Columns, JsonObject, Rows
from shared.formats.values import raw_text

Release = Annotated[str, Meta(max_length=128)]
Count = Annotated[float, Meta(ge=0)]
"""A number >= 0, rounded by the writer."""

ZonedTime = Annotated[datetime, Meta(tz=True)]


class SingleRecord(msgspec.Struct, gc=False, kw_only=True):
    """The common fields of a request that is itself its one record. `api_key` never reaches the queue."""

    api_key: msgspec.Raw = ABSENT
    service: str = "unknown"
    environment: str = "production"
    release: Release = ""
    metadata: JsonObject = ABSENT


def common_columns(rows: Rows) -> Columns:
    """The columns that every single-record format fills from the record itself."""
    records = rows.records
    return {
        "service": [record.service for record in records],
        "environment": [record.environment for record in records],
        "release": [record.release for record in records],
    }


def attributes(rows: Rows) -> list[bytes]:
    """The `metadata` of each record, byte for byte."""
    return raw_text([record.metadata for record in rows.records])
