"""A tally's sum is in its counter whenever somebody reads the metrics."""

from prometheus_client import generate_latest

from shared.metrics import Metrics


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
