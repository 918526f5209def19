"""Every metric of both sides, once: name, labels, meaning. Made per process by `Metrics()`, handed to who counts.

Labels never hold a key, a project or anything else that a client chooses.
"""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DropReason = Literal["invalid", "too_large", "expired", "sdk_init", "wrong_key"]
"""Why a record was only counted: it broke its format's contract, was over the size limit, was past its retention when
the writer came to it, was an SDK's ping, or carried another key than its request."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter("sluice_requests", "Requests answered", ["route", "outcome"], registry=r)
        self.records = Counter("sluice_records", "Records taken in, by outcome", ["route", "outcome"], registry=r)
        self.drops = Counter("sluice_drops", "Records that are only counted", ["signal", "reason"], registry=r)
        self.repeats = Counter("sluice_repeats", "Requests given the answer of an earlier one, not stored", registry=r)
        self.unguarded = Counter(
            "sluice_idempotency_unguarded", "Repeats not looked for, Redis being away", ["step"], registry=r
        )
        self.publish_seconds = Histogram(
            "sluice_publish_seconds", "From handing to the queue to its acknowledgement", buckets=_SECONDS, registry=r
        )
        self.local_limit_requests = Counter(
            "sluice_local_limit_requests", "Requests let through on a count of this process alone: no Redis", registry=r
        )
        self.in_flight_bytes = Gauge("sluice_in_flight_bytes", "Bytes on the way to the queue", registry=r)
        self.lag = Gauge("sluice_lag_messages", "Messages not yet committed", ["topic", "partition"], registry=r)
        self.batch_rows = Histogram(
            "sluice_batch_rows", "Rows of a batch", ["table"], buckets=tuple(10**n for n in range(7)), registry=r
        )
        self.batch_age_seconds = Histogram(
            "sluice_batch_age_seconds",
            "From a batch's first message being received by a gateway to its commit",
            ["table"],
            buckets=_SECONDS,
            registry=r,
        )
        self.insert_seconds = Histogram(
            "sluice_insert_seconds", "One insert into ClickHouse", ["table"], buckets=_SECONDS, registry=r
        )
        self.rows = Counter("sluice_rows", "Rows committed", ["table"], registry=r)
        self.retries = Counter("sluice_retries", "Tries that will be repeated", ["what", "reason"], registry=r)
        self.dead_letters = Counter("sluice_dead_letters", "Dead letters published", ["topic", "reason"], registry=r)
        self.gaps = Counter(
            "sluice_gap_messages", "Messages that retention took before a writer came", ["topic"], registry=r
        )
        self.fenced = Counter(
            "sluice_fenced",
            "Lanes given up with messages in memory, which their next owner reads again; any rebalance may do that",
            ["topic"],
            registry=r,
        )
        self.held_bytes = Gauge("sluice_held_bytes", "Bytes of messages in a writer's memory", registry=r)
        self.waiting = Gauge(
            "sluice_waiting",
            "Seconds that a lane has waited for this by now; absent where it does not wait",
            ["topic", "partition", "what"],
            registry=r,
        )

    def dropped(self, signal: str, reason: DropReason, n: int) -> None:
        """The one way in which records disappear (01, promise 3)."""
        self.drops.labels(signal, reason).inc(n)
