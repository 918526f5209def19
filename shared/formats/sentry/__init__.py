"""What Sentry's SDKs send (sentry.md), and what becomes of it (sentry-rows.md)."""
