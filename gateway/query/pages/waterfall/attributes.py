"""What the attributes of a span say of it: those of OpenTelemetry, OpenInference and OpenLLMetry, as they stand."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from gateway.query.pages.by_path import by_path
from gateway.query.traces.spans import Span

Kind = Literal["llm", "tool", "agent", ""]

_NAMED: Mapping[str, Mapping[str, Kind]] = {
    "gen_ai.operation.name": {
        "chat": "llm",
        "text_completion": "llm",
        "generate_content": "llm",
        "embeddings": "llm",
        "responses": "llm",
        "execute_tool": "tool",
        "invoke_agent": "agent",
        "create_agent": "agent",
    },
    "openinference.span.kind": {
        "llm": "llm",
        "embedding": "llm",
        "tool": "tool",
        "retriever": "tool",
        "agent": "agent",
        "chain": "agent",
    },
    "traceloop.span.kind": {"tool": "tool", "agent": "agent", "workflow": "agent", "task": "agent"},
}
"""Attribute -> value in lower case -> kind."""

_PRESENT: Mapping[str, Kind] = {
    "gen_ai.tool.name": "tool",
    "gen_ai.agent.name": "agent",
    "gen_ai.request.model": "llm",
    "gen_ai.system": "llm",
    "llm.model_name": "llm",
}
"""An attribute that only spans of a kind have."""

_FIRST_WORDS: Mapping[str, Kind] = {
    "chat": "llm",
    "embeddings": "llm",
    "tool": "tool",
    "execute_tool": "tool",
    "agent": "agent",
    "invoke_agent": "agent",
}
"""Of an operation's name, where the attributes don't say."""

_REASONS = ("error.type", "exception.type", "exception.message", "error.message", "otel.status_description", "error")
_TOKENS = (
    ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
    ("llm.token_count.prompt", "llm.token_count.completion"),
)
_MOST_REASON = 60


def attributes_of(span: Span) -> dict[str, Any]:
    """By their paths; none where they can't be read."""
    try:
        found = json.loads(bytes(span.attributes))
        return dict(by_path(found)) if isinstance(found, dict) else {}
    except (ValueError, RecursionError):
        return {}


def kind_of(operation: str, attributes: Mapping[str, Any]) -> Kind:
    """Whether a model, a tool or an agent did it."""
    for name, kinds in _NAMED.items():
        if kind := kinds.get(str(attributes.get(name, "")).lower()):
            return kind
    for name, kind in _PRESENT.items():
        if name in attributes:
            return kind
    return _FIRST_WORDS.get(operation.partition(" ")[0], "")


def tokens_of(attributes: Mapping[str, Any]) -> str:
    """`1,204 + 212 tokens`; '' where they aren't known."""
    for sent, got in _TOKENS:
        counts = [attributes.get(name, 0) for name in (sent, got)]
        if (sent in attributes or got in attributes) and all(type(count) is int for count in counts):
            return f"{counts[0]:,} + {counts[1]:,} tokens"
    return ""


def reason_of(attributes: Mapping[str, Any], message: str | None = None) -> str:
    """Why it failed, in short; '' where that isn't known. `message`: what its status says."""
    texts = (attributes[name] for name in _REASONS if isinstance(attributes.get(name), str))
    text = message or next(texts, "")
    return text if len(text) <= _MOST_REASON else text[:_MOST_REASON] + "…"
