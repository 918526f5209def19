"""Settings of the log (operating.md, "Logs")."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """What a process logs, `SLUICE_LOG_*`."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least severe lines that are logged: debug, info, warning or error"),
    ] = "info"
    format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="json: a line each; console: coloured, for people; auto: console on a terminal, else json"),
    ] = "auto"
