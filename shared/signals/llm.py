"""LLM usage: one row a call to a model."""

from shared.signals.base import Column, Rollup, Signal, Table, identifier, low

SIGNAL = Signal(
    name="llm",
    table=Table(
        name="llm_calls",
        own_columns=(
            low("model", "Model identifier."),
            low("provider", "Who serves the model."),
            low("operation", "chat.completion, embedding ..."),
            Column("input_tokens", "UInt64", "Tokens in the prompt."),
            Column("output_tokens", "UInt64", "Tokens in the answer."),
            Column("cost_usd", "Float64", "Estimated cost, US dollars."),
            Column("latency_ms", "UInt64", "How long the call took, milliseconds."),
            Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
            identifier("span_id", "The call's span."),
            low("status", "ok, error or unset; '' for unknown."),
            low("format", "The wire format it came in."),
        ),
        rollups=(
            Rollup(
                name="models_by_hour",
                select=(
                    "SELECT project_id, provider, model, toStartOfHour(timestamp), count(), sum(input_tokens),"
                    " sum(output_tokens), sum(cost_usd), quantiles(0.5, 0.95, 0.99)(latency_ms)"
                    " GROUP BY project_id, provider, model, toStartOfHour(timestamp)"
                ),
                question=(
                    "SELECT provider, model, toStartOfHour(timestamp) AS hour, count(), sum(input_tokens),"
                    " sum(output_tokens), sum(cost_usd), quantiles(0.5, 0.95, 0.99)(latency_ms)"
                    " FROM {table} WHERE project_id = 'p' GROUP BY provider, model, hour"
                ),
            ),
        ),
    ),
)
