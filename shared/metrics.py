"""Every metric of both sides, once: name, labels, meaning. Each process makes one `Metrics` and hands it to its parts.

Labels never hold a key, a project or anything else that a client chooses.
"""

from collections.abc import Callable, Collection
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from shared.tallies import Tallies, TallyHistogram
from shared.version import ENVELOPE, VERSION

DropReason = Literal[
    "invalid",
    "too_large",
    "expired",
    "sdk_init",
    "wrong_key",
    "metrics_unsupported",
    "duplicate_exception",
    "too_many_exceptions",
    "item_session",
    "item_sessions",
    "item_check_in",
    "item_attachment",
    "item_replay_event",
    "item_replay_recording",
    "item_replay_video",
    "item_profile",
    "item_profile_chunk",
    "item_feedback",
    "item_user_report",
    "item_trace_metric",
    "item_statsd",
    "item_metric_buckets",
    "item_unknown",
]
"""Why a record was only counted: it broke its format's contract, was over the size limit, was past its retention when
the writer came to it, was an SDK's ping, carried another key than its request, is a point of OpenTelemetry's metrics,
which are not stored, is the same exception on a further span, or one more than become errors of one request, or is an
item of Sentry's SDKs that is not stored."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class LagGauges:
    """How far a group is behind: of a writer for its own lanes, of `sluice lag` for all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(name, meaning, ["topic", "partition"], registry=registry)

        self._messages = gauge("sluice_lag_messages", "Messages not yet committed")
        self._seconds = gauge("sluice_lag_seconds", "Since the queue took the first message not committed; 0: all are")
        self._commit_rate = gauge("sluice_lag_commit_rate", "Messages committed a second, lately")
        self._arrival_rate = gauge("sluice_lag_arrival_rate", "Messages that the queue takes a second, lately")
        self._drain = gauge("sluice_lag_drain_seconds", "Until the lag is 0 at these rates; +Inf: never")
        self._shown: set[tuple[str, int]] = set()

    def set(
        self,
        lane: tuple[str, int],
        *,
        messages: int,
        seconds: float,
        commit_rate: float,
        arrival_rate: float,
        drain_s: float,
    ) -> None:
        """`lane`: topic and partition."""
        self._shown.add(lane)
        self._messages.labels(*lane).set(messages)
        self._seconds.labels(*lane).set(seconds)
        self._commit_rate.labels(*lane).set(commit_rate)
        self._arrival_rate.labels(*lane).set(arrival_rate)
        self._drain.labels(*lane).set(drain_s)

    def keep_only(self, lanes: Collection[tuple[str, int]]) -> None:
        """Forget the other lanes: an outdated value would mislead."""
        for lane in self._shown.difference(lanes):
            for each in (self._messages, self._seconds, self._commit_rate, self._arrival_rate, self._drain):
                each.remove(*lane)
            self._shown.discard(lane)


class SpoolGauges:
    """What a gateway's spool holds. There are none without a spool."""

    def __init__(self, registry: CollectorRegistry, is_open: Callable[[], bool]) -> None:
        """`is_open`: whether what comes is spooled."""
        self._messages = Gauge("sluice_spool_messages", "Messages in the spool", registry=registry)
        self._bytes = Gauge("sluice_spool_bytes", "Bytes that they take in its file", registry=registry)
        self._fullness = Gauge(
            "sluice_spool_fullness", "Taken share of what it may hold; 1: the disk is short", registry=registry
        )
        self._age = Gauge("sluice_spool_age_seconds", "Since the first of them was spooled; 0: none", registry=registry)
        self._aside = Gauge("sluice_spools_aside", "Spools put aside as corrupt, for a person", registry=registry)
        breaker = Gauge(
            "sluice_spool_breaker_open", "1 while Kafka is away and requests are spooled", registry=registry
        )
        breaker.set_function(lambda: float(is_open()))

    def set(self, messages: int, bytes: int, fullness: float, age_s: float, aside: int) -> None:
        self._messages.set(messages)
        self._bytes.set(bytes)
        self._fullness.set(fullness)
        self._age.set(age_s)
        self._aside.set(aside)


def known_spool_age(registry: CollectorRegistry, age_s: Callable[[], float]) -> None:
    """Of any gateway's spool, also one that is gone, as the gateways that answer questions know from Postgres."""
    Gauge(
        "sluice_known_spool_age_seconds",
        "Since the oldest record in any spool that Postgres knows of may have come; 0: none",
        registry=registry,
    ).set_function(age_s)


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tallies = Tallies(self.registry)
        self.lag = LagGauges(self.registry)
        self._of_process(self.registry)
        self._of_gateway(self.registry)
        self._of_queue(self.registry)
        self._of_batches(self.registry)
        self._of_lanes(self.registry)

    def _of_process(self, r: CollectorRegistry) -> None:
        ProcessCollector(registry=r)  # memory, CPU, open files
        Info("sluice_build", "The version that runs, and the newest envelope that it knows", registry=r).info(
            {"version": VERSION, "envelope": ENVELOPE}
        )
        self.loop_lag_seconds = TallyHistogram(
            "sluice_event_loop_lag_seconds",
            "By how much longer than asked for a sleep of 0.25 s took",
            bounds=_SECONDS,
            registry=r,
        ).of()

    def _of_gateway(self, r: CollectorRegistry) -> None:
        self.requests = Counter("sluice_requests", "Requests answered", ["route", "outcome"], registry=r)
        self.request_seconds = TallyHistogram(
            "sluice_request_seconds",
            "From a request's head to its answer being handed over; of tails and exports, until it begins",
            bounds=_SECONDS,
            registry=r,
            label="route",
        )
        self.records = Counter("sluice_records", "Records taken in, by outcome", ["route", "outcome"], registry=r)
        self.drops = Counter("sluice_drops", "Records that are only counted", ["signal", "reason"], registry=r)
        self.derived = Counter("sluice_derived", "Records that followed from those taken in", ["signal"], registry=r)
        self.sentry_discarded = Counter(
            "sluice_sentry_discarded",
            "Items that Sentry's SDKs say they did not send",
            ["reason", "category"],
            registry=r,
        )
        self.repeats = Counter("sluice_repeats", "Requests given the answer of an earlier one, not stored", registry=r)
        self.unguarded = Counter(
            "sluice_idempotency_unguarded", "Repeats not looked for, Redis being away", ["step"], registry=r
        )
        self.unreadable = Counter(
            "sluice_unreadable",
            "What Postgres and Redis hold and can't be read: absent",
            ["what"],
            registry=r,
        )
        self.sourcemaps = Counter("sluice_sourcemap_files", "Source maps and scripts stored", registry=r)
        self.sourcemap_bytes = Counter("sluice_sourcemap_bytes", "Their bytes", registry=r)
        self.tails = Gauge("sluice_tails", "Tails that are open", registry=r)
        self.tail_rows = Counter("sluice_tail_rows", "Rows sent in tails", registry=r)
        self.tail_left_out = Counter("sluice_tail_left_out", "Rows that tails only counted", registry=r)
        self.local_limit_requests = Counter(
            "sluice_local_limit_requests", "Requests let through on a count of this process alone: no Redis", registry=r
        )
        self.overflow_records = Counter(
            "sluice_overflow_records", "Records of projects over their share", ["signal"], registry=r
        )
        self.overflow_projects = Gauge("sluice_overflow_projects", "Projects that are over their share", registry=r)

    def _of_queue(self, r: CollectorRegistry) -> None:
        self.publish_seconds = TallyHistogram(
            "sluice_publish_seconds", "From handing to the queue to its acknowledgement", bounds=_SECONDS, registry=r
        ).of()
        self.publish_failures = Counter(
            "sluice_publish_failures",
            "Requests that the queue did not acknowledge: not_stored for certain, or unknown",
            ["reason"],
            registry=r,
        )
        self.spooled = Counter("sluice_spooled_records", "Records kept on a disk, Kafka being away", registry=r)
        self.in_flight_bytes = Gauge("sluice_in_flight_bytes", "Bytes on the way to the queue", registry=r)
        self.queue_fullness = Gauge(
            "sluice_queue_fullness", "Share of the embedded queue's limit not yet consumed; at 1 it is full", registry=r
        )
        self.dead_letters = Counter("sluice_dead_letters", "Dead letters published", ["topic", "reason"], registry=r)
        self.dead_letter_bytes = Gauge(
            "sluice_dead_letter_bytes", "Bytes that dead letters take in the queue", ["topic"], registry=r
        )

    def _of_batches(self, r: CollectorRegistry) -> None:
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
        self.doubled_rows = Counter(
            "sluice_doubled_rows",
            "Rows that a look found stored once more; seen again they count again",
            ["table"],
            registry=r,
        )
        self.retries = Counter("sluice_retries", "Tries that will be repeated", ["what", "reason"], registry=r)

    def _of_lanes(self, r: CollectorRegistry) -> None:
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
        """The one way in which records disappear (architecture.md, "Nothing is dropped silently")."""
        self.drops.labels(signal, reason).inc(n)
