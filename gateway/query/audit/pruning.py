"""Deletes old entries of the audit log, hour by hour, in each process that reads (operating.md, "Audit log")."""

import asyncio
from datetime import timedelta

import structlog

from shared.audit_log import AuditLog
from shared.clients.postgres import PostgresUnavailable
from shared.tasks import end

EVERY_S = 3600.0

_log = structlog.get_logger(__name__)


class Pruning:
    """Runs for as long as the process lives; it doesn't matter how many do."""

    def __init__(self, audit_log: AuditLog, kept: timedelta) -> None:
        self._audit_log = audit_log
        self._kept = kept
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                if deleted := await self._audit_log.prune(self._kept):
                    _log.info("old entries of the audit log deleted", entries=deleted)
            except PostgresUnavailable as error:
                _log.warning("old entries of the audit log are still there", error=str(error))
            await asyncio.sleep(EVERY_S)
