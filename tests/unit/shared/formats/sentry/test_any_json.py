"""Whatever stands in any field, a record is one row, and takes time in proportion to its size."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.lenient_json import repaired
from shared.formats.sentry import errors, llm, logs, span_rows
from shared.registry import load
from tests.examples import examples
from tests.unit.shared.formats.sentry.envelopes import records
from tests.unit.shared.formats.sentry.table import rows_in

FORMATS = ("sentry.errors", "sentry.transactions", "sentry.spans", "sentry.logs", "sentry.llm")
RECORDED = ("python-2.75-event-exception", "python-2.75-transaction+span", "node-11.12-span", "node-11.12-log")

ODD = (
    *(
        b"null",
        b"true",
        b"-1",
        b"0",
        b"1e999",
        b"-1e999",
        b"1e308",
        b"9" * 400,
        b"1" + b"0" * 5000,
        b'""',
        b"[]",
        b"{}",
    ),
    *(
        b'"\\u0000"',
        b'"\\ud800"',
        b'[null,[[]],{"":1}]',
        b'{"values":5}',
        b'{"values":[1,{"type":5}]}',
        b'{"a":1,"a":2}',
    ),
    *(b'"2026-11-25T21:45:54Z"', b'"0000-00-00T00:00:00Z"', b'["{{ default }}"]', b'[["a",1],["b"],3]', b'"error"'),
    *(b'{"frames":[null,{"lineno":1e300,"function":7}]}', b"[" * 90 + b"]" * 90, b'{"value":{"value":1}}', b'"ab"'),
)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, each in inner for path in _paths(each, (*at, key)))]


def _replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    key, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[key] = _replaced(copy[key], tuple(rest), odd)
    return copy


_RECORDS = [record for name in RECORDED for found in records(f"{name}.envelope").values() for record in found]
_PLACES = [(record, path) for record in _RECORDS for path in _paths(record)]
_MARK = "odd one"

_any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


@given(st.lists(st.tuples(st.sampled_from(_PLACES), st.sampled_from(ODD) | _any_json), min_size=1, max_size=4))
@examples(150)
def test_any_json_in_any_field_is_one_row(odd: list[tuple[tuple[Any, tuple[Any, ...]], bytes]]) -> None:
    made = []
    for (record, path), text in odd:
        mark = json.dumps(_MARK).encode()
        made.append(json.dumps(_replaced(record, path, _MARK)).encode().replace(mark, text))
    payload = repaired(b"[%b]" % b",".join(made))  # as the gateway does
    for name in FORMATS:
        together = rows_in(name, payload)
        assert together == [rows_in(name, repaired(b"[%b]" % each))[0] for each in made]  # whatever else is in a batch
    assert llm.derive(payload).n <= len(made)
    for record_sent in load().formats["sentry.logs"].codec.read(payload):
        for judge in (errors.judge, span_rows.judge, logs.judge):
            assert isinstance(judge(record_sent), str)


def _value(n: int) -> dict[str, Any]:
    mechanism = {"exception_id": n, "parent_id": n - 1, "is_exception_group": True, "source": "__cause__"}
    return {"type": "E", "value": "x", "mechanism": mechanism, "stacktrace": {"frames": [{"function": "f"}]}}


LARGE = {
    "frames": lambda n: {"exception": [{"type": "E", "stacktrace": {"frames": [{"function": "f"}] * n}}]},
    "values": lambda n: {"exception": [_value(0)] * n},
    "a chain of ids": lambda n: {"exception": [_value(each) for each in range(n, -1, -1)]},
    "lines": lambda n: {"exception": [{"type": "E", "value": "\n" * n, "stacktrace": {"frames": [{}]}}]},
    "fingerprint": lambda n: {"message": "m", "fingerprint": ["a"] * n},
    "tags": lambda n: {"message": "m", "tags": [["a", "b"]] * n},
    "fields": lambda n: {"message": "m"} | {f"f{each}": each for each in range(n)},
}


@pytest.mark.parametrize(
    ("kind", "platform"),
    [*((kind, "python") for kind in LARGE), *(("frames", platform) for platform in ("node", "php", "csharp", "ruby"))],
)
def test_a_large_event_takes_time_in_proportion(kind: str, platform: str) -> None:
    def seconds(n: int) -> float:
        payload = json.dumps([LARGE[kind](n) | {"platform": platform}]).encode()
        taken = []
        for _ in range(3):
            begin = process_time()
            rows_in("sentry.errors", payload)
            taken.append(process_time() - begin)
        return min(taken)

    small, large = seconds(500), seconds(4_000)
    assert large < 4 * 8 * max(small, 5e-4)
