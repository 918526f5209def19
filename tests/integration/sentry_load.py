"""Sentry's SDK for Python, which sends an event again and again, and none of them twice."""

import threading
import time
from typing import Any

import sentry_sdk
from sentry_sdk.transport import HttpTransport

PACE_S = 0.25
"""Of a hundred events that wait, the SDK drops the next ones."""
ENDS_WITHIN_S = 60.0


class Patient(HttpTransport):
    """The SDK's own, but for how long it waits for an answer."""

    TIMEOUT = 120

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.lost: list[str] = []

    def on_dropped_event(self, reason: str) -> None:
        self.lost.append(reason)


class SentryClient:
    """In a `with` it captures a message every `PACE_S`; at its end all of them were answered or lost.

    `ids`: of the events. `lost`: why the SDK gave some of them up.
    """

    def __init__(self, dsn: str) -> None:
        self.release = f"sentry-{time.time_ns()}"
        self.ids: list[str] = []
        self._client: Any = sentry_sdk.Client(
            dsn, release=self.release, transport=Patient, default_integrations=False, send_client_reports=False
        )
        self.lost: list[str] = self._client.transport.lost
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._capture)

    def __enter__(self) -> "SentryClient":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close(ENDS_WITHIN_S)

    def _capture(self) -> None:
        while not self._ended.wait(PACE_S):
            self.ids.append(self._client.capture_event({"message": f"event {len(self.ids)}"}))
