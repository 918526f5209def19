"""Settings of traces of Sluice's own work (operating.md, "Traces of its own work")."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Tracing(msgspec.Struct, frozen=True, kw_only=True):
    """Traces of our own work, `SLUICE_TRACING_*`. Where they go, OTEL_EXPORTER_OTLP_* say, as everywhere."""

    sample: Annotated[
        float, Meta(ge=0, le=1, description="Share of ingest requests that are traced; 0: none. Needs the extra otel")
    ] = 0.0
