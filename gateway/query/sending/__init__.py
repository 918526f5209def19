"""Sends alerts to webhooks and Slack (alerts.md, "Sending")."""

from gateway.query.sending.sender import Sender

__all__ = ["Sender"]
