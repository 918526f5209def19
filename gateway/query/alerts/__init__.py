"""Alerts: rules of projects, judged round by round, and told to webhooks and Slack (alerts.md, "A rule")."""

from gateway.query.alerts.routes import routes

__all__ = ["routes"]
