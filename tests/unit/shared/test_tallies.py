"""A tally's sum is in its counter whenever somebody reads the metrics."""

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from shared.metrics import Metrics
from shared.tallies import TallyHistogram


def test_what_was_counted_shows_in_every_reading_once() -> None:
    metrics = Metrics()
    counter = metrics.requests.labels("/ingest/logs", "accepted")
    tally, other = metrics.tallies.of(counter), metrics.tallies.of(metrics.requests.labels("/ingest/llm", "accepted"))
    counter.inc(2)
    for already in (0, 5):
        tally.n += 5
        assert b'sluice_requests_total{outcome="accepted",route="/ingest/logs"} %.1f\n' % (
            already + 7
        ) in generate_latest(metrics.registry)
    labels = {"route": "/ingest/logs", "outcome": "accepted"}
    assert metrics.registry.get_sample_value("sluice_requests_total", labels) == 12
    assert (tally.n, other.n) == (0, 0)
    assert metrics.registry.get_sample_value("sluice_requests_total", labels | {"route": "/ingest/llm"}) == 0


@pytest.mark.parametrize("label", ["", "route"])
def test_a_tallied_histogram_reads_like_prometheus_clients_own(label: str) -> None:
    bounds = (0.001, 0.5, 1, 10)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    labels = [label] if label else []
    family = TallyHistogram("h_seconds", "What it is", bounds=bounds, registry=ours, label=label)
    tallied = [family.of(value) for value in (("a", "b") if label else ("",))]
    usual = Histogram("h_seconds", "What it is", labels, buckets=bounds, registry=theirs)
    usuals = [usual.labels(value) for value in ("a", "b")] if label else [usual]
    for values in ((), (0.0, 0.001, 0.0011, 0.5, 0.7, 1.0, 9.9, 10, 11.0, 1e9)):
        for value in values:
            for each in (*tallied, *usuals):
                each.observe(value)
        assert family.of("a" if label else "") is tallied[0]
        assert _without_times(generate_latest(ours)) == _without_times(generate_latest(theirs))
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("h_seconds", "Twice", registry=ours)


def _without_times(text: bytes) -> list[bytes]:
    return [line.split()[0] if line.startswith(b"h_seconds_created") else line for line in text.splitlines()]
