"""Alerts: rules of projects, how far they are judged, and what was sent, in Postgres (alerts.md, "A rule")."""
