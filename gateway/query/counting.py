"""Where it is asked what gateways and writers have counted of a project, and what limits it."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.query.settings import UsualLimits
from shared.clients.postgres import Postgres
from shared.clients.redis import Redis


@dataclass(frozen=True)
class Counting:
    """`stored_as`: signal -> the signal under which its rows are counted (`Registry.stored_as`)."""

    postgres: Postgres
    redis: Redis
    usual: UsualLimits
    stored_as: Mapping[str, str]
