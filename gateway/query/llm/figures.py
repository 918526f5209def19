"""What is counted of calls to models."""

import msgspec

from gateway.query.shape import Shape


class Used(msgspec.Struct, frozen=True):
    """`unpriced`: calls with tokens that cost nothing: nobody knew the model's price. Latencies are exact: the one that
    this share of the calls did not exceed."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int
    p50_ms: int
    p95_ms: int
    p99_ms: int


UNPRICED = "cost_usd = 0 AND (input_tokens > 0 OR output_tokens > 0)"
_LATENCIES = "quantilesExact(0.5, 0.95, 0.99)(latency_ms)"

USED = Shape(
    Used,
    {
        "calls": "count()",
        "input_tokens": "sum(input_tokens)",
        "output_tokens": "sum(output_tokens)",
        "cost_usd": "sum(cost_usd)",
        "unpriced": f"countIf({UNPRICED})",
        **{f"p{share}_ms": f"arrayElement({_LATENCIES}, {n})" for n, share in enumerate((50, 95, 99), 1)},
    },
)
"""The rollup by hour can't answer it: it samples latencies, and knows of no prices."""
