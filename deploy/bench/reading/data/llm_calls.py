"""The calls to models."""

from deploy.bench.reading.data.made import Made, common, moment_of, request_of
from deploy.bench.reading.data.sql import at, below, crowded, in_quotes, json, one_of
from deploy.bench.reading.data.week import Week

_MODELS = ("small-1", "small-2", "large-1", "large-2", "vision-1", "embed-1", "code-1")
_FEATURES = 40


def llm_calls(week: Week) -> Made:
    return Made(
        "llm_calls",
        week.llm_calls,
        named={
            "request": request_of(week, week.llm_calls),
            "moment": moment_of(week, week.llm_calls),
            "kind": crowded(len(_MODELS), "model", 2.0),
            "tokens": crowded(8000, "tokens", 2.0),
        },
        columns={
            **common("llm"),
            "model": at("kind", _MODELS),
            "provider": at("kind % 3", ("first", "second", "third")),
            "operation": one_of(("chat.completion", "chat.completion", "embedding"), "operation"),
            "input_tokens": "20 + tokens",
            "output_tokens": below(1500, "output"),
            "cost_usd": f"if({below(50, 'unpriced')} = 0, 0, tokens * (1 + kind) / 1e6)",
            "latency_ms": f"50 + {crowded(30_000, 'latency', 4.0)}",
            "attributes": json({"feature": in_quotes(f"'feature-', toString({below(_FEATURES, 'feature')})")}),
        },
    )
