"""Calls to models, in two of the formats that there are: a span of OpenTelemetry says when a call was, the other one
reports it at once."""

from typing import Any, NamedTuple

from deploy.demo.cast import Model
from deploy.demo.records import otlp_attributes
from deploy.demo.visit import Visit

_KIND_CLIENT, _OK = 3, 1
"""As OpenTelemetry's spans have them."""


class Call(NamedTuple):
    """`operation`: as OpenTelemetry names it; `tokens`: in and out; `at`, `lasts`: milliseconds."""

    model: Model
    operation: str
    tokens: tuple[int, int]
    at: float
    lasts: float

    @property
    def cost_usd(self) -> float:
        return round(sum(count * price for count, price in zip(self.tokens, self.model.price, strict=True)) / 1e6, 9)


def call(visit: Visit, made: Call, parent: str) -> None:
    """Report it, with its span."""
    if visit.scene.recent:
        span = visit.span("assistant", _name(made), made.at, made.lasts, parent, gen_ai=_asked(made))
        visit.add("llm", "assistant", _reported(visit, made, span))
    else:
        visit.add("calls", "assistant", _traced(visit, made, parent))


def _name(made: Call) -> str:
    return f"{made.operation} {made.model.name}"


def _asked(made: Call) -> dict[str, Any]:
    usage = {"input_tokens": made.tokens[0], "output_tokens": made.tokens[1]}
    return {"system": made.model.provider, "request": {"model": made.model.name}, "usage": usage}


def _about(visit: Visit) -> dict[str, str]:
    return {"feature": "assistant", "user_id": visit.user.id, "plan": visit.user.plan}


def _reported(visit: Visit, made: Call, span: str) -> dict[str, Any]:
    return {
        "model": made.model.name,
        "provider": made.model.provider,
        "operation": made.operation,
        "input_tokens": made.tokens[0],
        "output_tokens": made.tokens[1],
        "cost_usd": made.cost_usd,
        "latency_ms": round(made.lasts),
        "metadata": {**_about(visit), "trace_id": visit.trace_id, "span_id": span},
    }


def _traced(visit: Visit, made: Call, parent: str) -> dict[str, Any]:
    """As an instrumented client of the model sends it. What nobody knows the price of has no cost."""
    said: dict[str, str | int | float] = {
        "gen_ai.operation.name": made.operation,
        "gen_ai.system": made.model.provider,
        "gen_ai.request.model": made.model.name,
        "gen_ai.usage.input_tokens": made.tokens[0],
        "gen_ai.usage.output_tokens": made.tokens[1],
        **({"gen_ai.usage.cost": made.cost_usd} if made.cost_usd else {}),
        **_about(visit),
    }
    return {
        "traceId": visit.trace_id,
        "spanId": visit.begin_span(made.at, made.lasts),
        "parentSpanId": parent,
        "name": _name(made),
        "kind": _KIND_CLIENT,
        "startTimeUnixNano": _nanoseconds(visit, made.at),
        "endTimeUnixNano": _nanoseconds(visit, made.at + made.lasts),
        "attributes": otlp_attributes(said),
        "status": {"code": _OK},
    }


def _nanoseconds(visit: Visit, after_ms: float) -> str:
    return f"{round(visit.seconds(after_ms) * 1e6)}000"
