"""What the board shows: rows of panels, each with its questions to Prometheus. Every one has an answer as soon as a
gateway and a writer run and have taken something; the suite asks them all."""

from collections.abc import Sequence
from typing import NamedTuple

AWAY = " or vector(0)"
"""Behind a question about what seldom happens: nothing has happened is 0."""


class Line(NamedTuple):
    """`legend`: Grafana's, with labels in braces."""

    expression: str
    legend: str


class Panel(NamedTuple):
    """`unit`: one of Grafana's (`reqps`, `s`, `bytes`, `percentunit`, `short`)."""

    title: str
    means: str
    unit: str
    lines: Sequence[Line]


def quantiles(metric: str, by: str, *wanted: float) -> list[Line]:
    legend = f"{{{{{by}}}}} " if by else ""
    labels = f"le, {by}" if by else "le"
    return [
        Line(
            f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))",
            f"{legend}p{round(q * 100)}",
        )
        for q in wanted
    ]


def rate(metric: str, by: str, legend: str = "") -> Line:
    return Line(f"sum by ({by}) (rate({metric}[$__rate_interval]))", legend or f"{{{{{by}}}}}")


ROWS: dict[str, Sequence[Panel]] = {
    "Taking in": (
        Panel(
            "Requests", "Answered requests a second, by outcome", "reqps", [rate("sluice_requests_total", "outcome")]
        ),
        Panel("Records", "Records taken in a second, by route", "short", [rate("sluice_records_total", "route")]),
        Panel(
            "Refused",
            "Share of requests answered 503: a neighbour is away, or too much is on its way",
            "percentunit",
            [
                Line(
                    '(sum(rate(sluice_requests_total{outcome="unavailable"}[$__rate_interval]))'
                    f"{AWAY}) / sum(rate(sluice_requests_total[$__rate_interval]))",
                    "503",
                )
            ],
        ),
        Panel("Answer time", "Of requests", "s", quantiles("sluice_request_seconds", "", 0.5, 0.99)),
        Panel(
            "Until the queue confirms",
            "From handing to the queue to its acknowledgement",
            "s",
            quantiles("sluice_publish_seconds", "", 0.5, 0.99),
        ),
        Panel(
            "Only counted",
            "Records a second that are not stored, by reason",
            "short",
            [Line(f"sum by (reason) (rate(sluice_drops_total[$__rate_interval])){AWAY}", "{{reason}}")],
        ),
        Panel(
            "Spooled",
            "Records a second that are kept on gateways' disks: Kafka is away",
            "short",
            [Line(f"sum by (instance) (rate(sluice_spooled_records_total[$__rate_interval])){AWAY}", "{{instance}}")],
        ),
        Panel(
            "On gateways' disks",
            "Bytes that wait there to be drained",
            "bytes",
            [Line(f"sum by (instance) (sluice_spool_bytes){AWAY}", "{{instance}}")],
        ),
        Panel(
            "Oldest on a disk",
            "Since the first message of a spool was spooled",
            "s",
            [Line(f"max by (instance) (sluice_spool_age_seconds){AWAY}", "{{instance}}")],
        ),
    ),
    "Storing": (
        Panel(
            "Behind",
            "Age of the oldest message not yet committed",
            "s",
            [Line("max by (topic) (sluice_lag_seconds)", "{{topic}}")],
        ),
        Panel(
            "Messages behind", "Not yet committed", "short", [Line("sum by (topic) (sluice_lag_messages)", "{{topic}}")]
        ),
        Panel("Rows", "Rows committed a second", "short", [rate("sluice_rows_total", "table")]),
        Panel(
            "Freshness",
            "From a gateway's taking a record to its row",
            "s",
            quantiles("sluice_batch_age_seconds", "table", 0.5, 0.99),
        ),
        Panel("Inserts", "One insert into ClickHouse", "s", quantiles("sluice_insert_seconds", "table", 0.99)),
        Panel(
            "Rows of a batch", "Small ones cost ClickHouse more", "short", quantiles("sluice_batch_rows", "table", 0.5)
        ),
        Panel(
            "Lanes that wait",
            "Seconds by now; what they wait for",
            "s",
            [Line(f"max by (topic, partition, what) (sluice_waiting){AWAY}", "{{topic}}/{{partition}} {{what}}")],
        ),
        Panel(
            "Tried again",
            "Calls that will be repeated, a second",
            "short",
            [
                Line(
                    f"sum by (what, reason) (rate(sluice_retries_total[$__rate_interval])){AWAY}",
                    "{{what}}: {{reason}}",
                )
            ],
        ),
    ),
    "Proof": (
        Panel(
            "Last audit",
            "1: every record is stored once, or accounted for; 0: it is not",
            "short",
            [Line("max(sluice_audit_ok)", "ok")],
        ),
        Panel("Since the last audit", "", "s", [Line("time() - max(sluice_audit_finished_seconds)", "ago")]),
        Panel(
            "Dead letters",
            "In the last five minutes",
            "short",
            [Line(f"sum by (topic, reason) (increase(sluice_dead_letters_total[5m])){AWAY}", "{{topic}}: {{reason}}")],
        ),
        Panel(
            "Lost to retention",
            "Messages, in the last hour",
            "short",
            [Line(f"sum by (topic) (increase(sluice_gap_messages_total[1h])){AWAY}", "{{topic}}")],
        ),
        Panel(
            "Lanes taken away",
            "Lanes given up with messages in memory, in five minutes; each rebalance may do that",
            "short",
            [Line(f"sum by (topic) (increase(sluice_fenced_total[5m])){AWAY}", "{{topic}}")],
        ),
    ),
    "Processes": (
        Panel(
            "CPU", "Cores", "short", [Line("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}")]
        ),
        Panel("Memory", "Resident", "bytes", [Line("process_resident_memory_bytes", "{{job}} {{instance}}")]),
        Panel(
            "How late the loop is",
            "By how much longer than asked for a sleep takes",
            "s",
            quantiles("sluice_event_loop_lag_seconds", "instance", 0.99),
        ),
        Panel(
            "On the way",
            "Bytes on the way to the queue, and held by writers",
            "bytes",
            [
                Line("sum by (instance) (sluice_in_flight_bytes)", "{{instance}} to the queue"),
                Line("sum by (instance) (sluice_held_bytes)", "{{instance}} held"),
            ],
        ),
        Panel("Open files", "", "short", [Line("process_open_fds", "{{job}} {{instance}}")]),
        Panel(
            "Versions", "Processes of each", "short", [Line("count by (version) (sluice_build_info)", "{{version}}")]
        ),
    ),
}
