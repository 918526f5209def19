"""Calls to models in the attributes of spans: OpenTelemetry's conventions, OpenInference's, Sentry's
(contracts.md, "Calls to models")."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from shared.formats.base import Columns, Rows
from shared.formats.otlp.records import said
from shared.formats.otlp.values import json_bytes
from shared.formats.values import WHOLE_MAX

Attributes = dict[str, Any]

_CALLS = ("chat", "text_completion", "generate_content", "embeddings", "responses")
"""The last one is Sentry's word for calls of OpenAI's Responses API."""
_OPERATION = "gen_ai.operation.name"
_KINDS = {"LLM": "chat", "EMBEDDING": "embeddings"}
"""OpenInference's kinds of spans that are calls -> operation. Agents, tools and chains sum up the calls in them."""

_MODEL = (
    *("gen_ai.request.model", "llm.request.model_name", "gen_ai.response.model", "llm.response.model_name"),
    *("llm.model_name", "embedding.model_name"),
)
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
_OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
_COST = ("gen_ai.usage.cost", "gen_ai.cost.total_tokens", "llm.cost.total")

_SAID = (
    *("gen_ai.input.", "gen_ai.output.", "gen_ai.prompt", "gen_ai.completion", "gen_ai.system_instructions"),
    *("gen_ai.tool.definitions", "input.", "output.", "llm.input_messages", "llm.output_messages", "llm.prompts"),
    *("embedding.embeddings", "gen_ai.request.messages", "gen_ai.response.text", "gen_ai.response.tool_calls"),
    *("gen_ai.request.available_tools", "gen_ai.embeddings.input", "gen_ai.user.message"),
)
"""Attributes that begin like this hold what was said, which the row of the span has."""


def is_call(attributes: Attributes) -> bool:
    """Whether a span is a call to a model."""
    operation = said(attributes, _OPERATION)
    if operation:
        return operation in _CALLS
    if said(attributes, "openinference.span.kind") in _KINDS:
        return True
    named = "gen_ai.system" in attributes or "llm.request.type" in attributes
    return named and "gen_ai.request.model" in attributes


def call_columns(rows: Rows, attributes: Sequence[Attributes]) -> Columns:
    """What the attributes of spans say about their calls. Counts that are none are noted."""
    return {
        "model": [said(each, *_MODEL) for each in attributes],
        "provider": [said(each, *_PROVIDER) for each in attributes],
        "operation": list(map(_operation, attributes)),
        "input_tokens": _tokens(rows, attributes, "input_tokens", _INPUT),
        "output_tokens": _tokens(rows, attributes, "output_tokens", _OUTPUT),
        "cost_usd": [_number(_first(each, _COST)) or 0.0 for each in attributes],
        "attributes": [json_bytes(_without_words(each)) for each in attributes],
    }


def _operation(attributes: Attributes) -> str:
    kind = said(attributes, "openinference.span.kind")
    return said(attributes, _OPERATION, "llm.request.type") or _KINDS.get(kind, "")


def _tokens(rows: Rows, attributes: Sequence[Attributes], name: str, names: Sequence[str]) -> list[int]:
    """Counts, also sent as text or double; what is none is 0, and noted."""
    made = []
    for row, each in enumerate(attributes):
        sent = _first(each, names)
        number = _number(sent)
        if sent is not None and (number is None or not 0 <= number <= WHOLE_MAX):
            rows.note(row, name, sent)
            number = None
        made.append(int(number or 0))
    return made


def _first(attributes: Attributes, names: Sequence[str]) -> Any:
    return next((attributes[name] for name in names if attributes.get(name) is not None), None)


def _number(sent: Any) -> float | None:
    """A finite number, or the text of one."""
    if isinstance(sent, bool) or not isinstance(sent, int | float | str):
        return None
    try:
        number = float(sent)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _without_words(attributes: Attributes) -> Attributes:
    return {name: value for name, value in attributes.items() if not name.startswith(_SAID)}
