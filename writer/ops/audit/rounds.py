"""`sluice audit --every`: audits again and again, and tells Prometheus what the last one found."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import typer
from prometheus_client import CollectorRegistry, Gauge

from writer.ops.audit.accounting import Counts

_MESSAGES = ("messages", "gaps", "unreadable")


class AuditGauges:
    """What the last audit that finished found. Before the first one there is nothing to say, and nothing is said."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._ok: Gauge | None = None

    def show(self, counts: Counts, *, ok: bool, finished_at: float) -> None:
        """`finished_at`: seconds since the epoch."""
        if self._ok is None:
            self._make()
        assert self._ok is not None
        self._ok.set(ok)
        self._finished.set(finished_at)
        for name, number in vars(counts).items():
            (self._messages if name in _MESSAGES else self._records).labels(name).set(number)

    def _make(self) -> None:
        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=self._registry)

        self._ok = gauge("sluice_audit_ok", "1: every record of the last audit is stored once, or accounted for")
        self._finished = gauge("sluice_audit_finished_seconds", "When the last audit ended, Unix time")
        self._records = gauge("sluice_audit_records", "Records of the last audit, by what became of them", "state")
        self._messages = gauge("sluice_audit_messages", "Messages of the last audit, by what became of them", "state")


def repeat(audit: Callable[[], object], every_s: float) -> None:
    """Audit until Ctrl-C or SIGTERM. What could not be found out has been told, and is tried again."""
    signal.signal(signal.SIGTERM, _end)
    while True:
        began = time.monotonic()
        with suppress(typer.Exit):
            audit()
        time.sleep(max(0.0, every_s - (time.monotonic() - began)))


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)
