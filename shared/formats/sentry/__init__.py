"""What Sentry's SDKs send (sentry-rows.md)."""
