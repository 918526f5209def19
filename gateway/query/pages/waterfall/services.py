"""Where the time of a trace went, by service."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.traces.spans import Span

MAX_SERVICES = 20


class ServiceTime(NamedTuple):
    """`own_us`: in its spans and none of their children. `path_us`: of the critical path; `share` of it in percent."""

    name: str
    spans: int
    own_us: int
    path_us: int
    share: int


def by_service(spans: Sequence[Span]) -> list[ServiceTime]:
    """Those with most of the critical path first; of all spans."""
    path = sum(span.critical_us or 0 for span in spans) or 1
    groups: dict[str, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.service or "", []).append(span)
    found = []
    for name, its in groups.items():
        own, on_path = sum(span.self_us for span in its), sum(span.critical_us or 0 for span in its)
        found.append(ServiceTime(name, len(its), own, on_path, round(on_path / path * 100)))
    return sorted(found, key=lambda each: (-each.path_us, -each.own_us, each.name))


def slowest_of_path(spans: Sequence[Span]) -> tuple[str, int]:
    """The operation with most of the critical path, and its share in percent; '' where there is none."""
    times: dict[str, int] = {}
    for span in spans:
        times[span.operation] = times.get(span.operation, 0) + (span.critical_us or 0)
    name, most = max(times.items(), key=lambda pair: pair[1])
    return (name, round(most / sum(times.values()) * 100)) if most else ("", 0)
