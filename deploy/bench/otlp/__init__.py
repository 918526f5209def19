"""OTLP beside DeepTracer's JSON: what the same logs, and spans with the same attributes, cost gateway and writer."""
