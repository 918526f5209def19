"""What questions name: ids of rows that there are."""

from collections.abc import Mapping
from hashlib import md5
from urllib.parse import parse_qs, urlsplit

from deploy.bench.reading.asker import Asker
from deploy.bench.reading.data.spans import WIDE_TRACE
from deploy.bench.reading.data.week import LARGEST, WEEK_US, Week, fingerprint, trace_id
from gateway.query.times import format_time


def known(week: Week, asker: Asker) -> Mapping[str, str]:
    """Of the largest project: ids in the middle of the week, its largest group of errors, and the state as of now."""
    middle = format_time(week.start + week.middle * WEEK_US // max(week.requests, 1))
    page = asker.ask(f"/api/v1/projects/{LARGEST}/logs?limit=1&end_time={middle}")
    (log,) = parse_qs(urlsplit(page.next or "").query)["cursor"]
    return {
        "project": LARGEST,
        "middle": middle,
        "trace": trace_id(week.middle),
        "wide_trace": WIDE_TRACE,
        "event": event_id(-(-week.middle * week.errors // max(week.requests, 1))),
        "fingerprint": fingerprint(0),
        "log": log,
        "as_of": page.headers["x-as-of"],
    }


def event_id(number: int) -> str:
    return md5(f"event {number}".encode(), usedforsecurity=False).hexdigest()
