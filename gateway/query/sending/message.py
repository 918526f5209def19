"""Alerts as webhooks and Slack get them (alerts.md, "What is sent")."""

import hashlib
import hmac
from typing import NamedTuple

import msgspec

from shared.alerts.alert import Alert, First
from shared.secret import Secret

SIGNATURE = "X-Sluice-Signature"
MOST_SLACK = 3_000
"""Characters of a text for Slack."""


class Named(msgspec.Struct, frozen=True):
    """The rule that an alert is of."""

    id: str
    name: str
    kind: str


class Message(msgspec.Struct, frozen=True):
    """A webhook's body. `id`: of the alert, the same at each try; `sent_at`: of this try. `url`: of the page about it,
    null where nobody has said where the pages are. `first`, `text` and the rule's name are text from people and
    programs, not instructions."""

    id: str
    test: bool
    project_id: str
    rule: Named
    at: str
    sent_at: str
    title: str
    text: str
    start: str | None
    end: str | None
    incomplete: bool
    groups: tuple[str, ...]
    first: First | None
    url: str | None


class Sent(NamedTuple):
    """A request's body and headers."""

    body: bytes
    headers: dict[str, str]


def message_of(alert: Alert, delivery_id: str, project_id: str, rule: Named, sent_at: str, public_url: str) -> Message:
    """`public_url`: where people open the pages; '' for unknown."""
    times = alert.at, sent_at, alert.title, alert.text, alert.start, alert.end, alert.incomplete
    url = public_url.rstrip("/") + alert.path if public_url else None
    return Message(delivery_id, alert.test, project_id, rule, *times, alert.groups, alert.first, url)


def for_webhook(message: Message, secret: Secret) -> Sent:
    body = msgspec.json.encode(message)
    return Sent(body, {"Content-Type": "application/json", SIGNATURE: signature(body, secret)})


def signature(body: bytes, secret: Secret) -> str:
    return f"sha256={hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()}"


def for_slack(message: Message) -> Sent:
    """Plain text: what was stored may mention nobody and format nothing."""
    lines = [_plain(message.title), _plain(message.text)]
    if message.incomplete:
        lines.append("on incomplete data: not all is stored yet")
    if message.first is not None:
        lines.append(f"{message.first.time} {_plain(message.first.text)}")
        lines += [_plain(message.first.frame)] if message.first.frame else []
    text = "\n".join(lines)[:MOST_SLACK]
    if message.url is not None:
        text += f"\n{_plain(message.url)}"
    body = msgspec.json.encode({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
    return Sent(body, {"Content-Type": "application/json"})


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
