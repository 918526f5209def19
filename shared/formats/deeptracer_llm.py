"""`POST /ingest/llm` (contracts.md, "DeepTracer API"): one call to a model a request."""

import msgspec

from shared.formats.base import ABSENT, Columns, Format, JsonObject, Rows
from shared.formats.codec import JsonArray
from shared.formats.deeptracer import Count, Release, common_columns, reply
from shared.formats.intake import Intake, One
from shared.formats.values import raw_text, sent, whole


class Call(msgspec.Struct, gc=False, kw_only=True):
    """The request, which is the record."""

    service: str = "unknown"
    environment: str = "production"
    model: str
    provider: str
    operation: str
    input_tokens: Count
    output_tokens: Count
    cost_usd: float = 0.0
    latency_ms: Count
    metadata: JsonObject = ABSENT
    release: Release = ""


def columns(rows: Rows) -> Columns:
    call = sent(rows)
    return {
        **common_columns(call),
        "timestamp": rows.received_at,
        "model": call["model"],
        "provider": call["provider"],
        "operation": call["operation"],
        **{name: whole(rows, call[name], name) for name in ("input_tokens", "output_tokens", "latency_ms")},
        "cost_usd": call["cost_usd"],
        "attributes": raw_text(call["metadata"]),
    }


FORMAT = Format("deeptracer.llm", signal="llm", columns=columns, codec=JsonArray(Call))

INTAKE = Intake(
    routes=("/ingest/llm",),
    api="deeptracer",
    bodies={FORMAT.name: One()},
    reply=reply,
    examples={
        "chat": {
            "service": "my-app",
            "environment": "production",
            "model": "gpt-4o",
            "provider": "openai",
            "operation": "chat.completion",
            "input_tokens": 1250,
            "output_tokens": 340,
            "cost_usd": 0.0089,
            "latency_ms": 2100,
            "metadata": {"feature": "support-chat"},
        }
    },
)
