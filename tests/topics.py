"""Specifications of topics: what a test asks for, and the settings' defaults for the rest."""

from dataclasses import replace
from typing import Any

from shared.partitions import USUAL
from shared.queue.base import TopicSpec
from shared.settings import Topics

_USUAL = Topics()


def topic_spec(name: str, partitions: int = USUAL, **changes: Any) -> TopicSpec:
    """A topic's specification; `changes` are other fields of `TopicSpec`."""
    usual = TopicSpec(name, partitions, _USUAL.retention_hours * 3_600_000, _USUAL.max_message_bytes)
    return replace(usual, **changes)
