"""What a visitor of the shop sets off: one trace, with the logs, errors and calls to models that belong to it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from deploy.demo.cast import REGIONS, USERS, User
from deploy.demo.records import Kind, Record


@dataclass(frozen=True)
class Scene:
    """When and where something happens. `at`: seconds since the epoch; `releases`: of each service then; `broken`:
    after the deploy; `recent`: so short ago that what has no time of its own, and gets the time of its arrival, still
    belongs to it."""

    at: float
    environment: str
    releases: dict[str, str]
    broken: bool
    recent: bool


@dataclass
class Visit:
    """All moments are milliseconds from the beginning. `chance` decides what happens, `ids` what it is called."""

    scene: Scene
    chance: Random
    ids: Random
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trace_id = f"{self.ids.getrandbits(128):032x}"
        self.request_id = f"req_{self.ids.getrandbits(48):012x}"
        self.region = self.chance.choice(REGIONS)
        self.user: User = self.chance.choice(USERS)
        self._ended = 0.0

    @property
    def ends_at(self) -> float:
        """When its last span ends, seconds since the epoch."""
        return self.scene.at + self._ended / 1000

    @property
    def is_production(self) -> bool:
        return self.scene.environment == "production"

    def between(self, least: float, most: float) -> int:
        """A time that something takes: mostly near the least."""
        return round(least + (most - least) * self.chance.random() ** 3)

    def seconds(self, after_ms: float) -> float:
        return self.scene.at + after_ms / 1000

    def iso(self, after_ms: float) -> str:
        return datetime.fromtimestamp(self.seconds(after_ms), UTC).isoformat(timespec="milliseconds")

    def span(
        self,
        service: str,
        operation: str,
        at: float,
        lasts: float,
        parent: str = "",
        *,
        failed: bool = False,
        **more: Any,
    ) -> str:
        """Returns its id. `more`: attributes."""
        span_id = self.begin_span(at, lasts)
        body = {
            "trace_id": self.trace_id,
            "span_id": span_id,
            "parent_span_id": parent,
            "operation": operation,
            "start_time": self.iso(at),
            "duration_ms": round(lasts),
            "status": "error" if failed else "ok",
            "metadata": more,
        }
        self.add("traces", service, body)
        return span_id

    def begin_span(self, at: float, lasts: float) -> str:
        """The id of a new span, whatever it comes as."""
        self._ended = max(self._ended, at + lasts)
        return f"{self.ids.getrandbits(64):016x}"

    def log(self, service: str, level: str, message: str, at: float, span: str = "", **more: Any) -> None:
        """As the DeepTracer SDK sends it."""
        body = {
            "level": level,
            "message": message,
            "timestamp": self.iso(at),
            "metadata": {"user": {"id": self.user.id, "email": self.user.email}, **more},
            "trace_id": self.trace_id,
            "span_id": span,
            "request_id": self.request_id,
            "context": f"shop.{service}",
        }
        self.add("logs", service, body)

    def served(self, method: str, path: str, status: int, at: float, lasts: float) -> None:
        """The line of a request, which comes by Vercel's drain."""
        moment = round(self.seconds(at + lasts) * 1000)
        vercel_id = f"{self.region}::iad1::{self.ids.getrandbits(24):06x}-{moment}-{self.ids.getrandbits(48):012x}"
        body = {
            "id": f"{moment}{self.ids.getrandbits(40):013d}",
            "timestamp": moment,
            "source": "lambda",
            "level": "error" if status >= 500 else "warning" if status >= 400 else "info",
            "message": f"{method} {path} {status} in {lasts:.0f} ms",
            "projectName": "web",
            "environment": self.scene.environment,
            "host": "shop.example.com",
            "requestId": vercel_id,
            "traceId": self.trace_id,
            "statusCode": status,
            "executionRegion": "iad1",
            "proxy": {
                "method": method,
                "path": path,
                "statusCode": status,
                "region": self.region,
                "vercelId": vercel_id,
            },
        }
        self.add("drain", "web", body)

    def add(self, kind: Kind, service: str, body: dict[str, Any]) -> None:
        """A record of this trace."""
        release = self.scene.releases.get(service, "")
        self.records.append(Record(kind, service, self.scene.environment, release, body))
