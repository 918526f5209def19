"""OTLP/HTTP, the OpenTelemetry protocol, in protobuf and in JSON (contracts.md, "OTLP")."""
