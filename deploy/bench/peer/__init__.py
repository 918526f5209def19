"""`make bench-peer`: Sluice beside the OpenTelemetry Collector, on the same engines in the same run
(performance.md, "Beside the Collector")."""
