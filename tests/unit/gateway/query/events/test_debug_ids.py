"""The debug ids that an event carries."""

import json
from typing import Any

import pytest

from gateway.query.events.debug_ids import debug_ids

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def carrier(*images: Any) -> str:
    return json.dumps({"route": "/", "debug_meta": {"images": list(images)}})


def test_they_are_found_by_file_in_any_spelling() -> None:
    images = [
        {"type": "sourcemap", "code_file": "https://x.example/a.js", "debug_id": ID.upper()},
        {"type": "sourcemap", "code_file": "https://x.example/b.js", "debug_id": ID.replace("-", "")},
    ]
    assert debug_ids("", carrier(*images).encode()) == {"https://x.example/a.js": ID, "https://x.example/b.js": ID}


@pytest.mark.parametrize(
    "given",
    ["", "{}", '{"debug_meta":null}', '{"debug_meta":{"images":7}}', '{"debug_meta"', '{"debug_meta":' + "[" * 10_000,
     carrier(7, {}, {"code_file": 1, "debug_id": ID}, {"code_file": "a.js", "debug_id": "x"}, {"code_file": "a.js"})],
)  # fmt: skip
def test_what_names_none_has_none(given: str) -> None:
    assert debug_ids(given) == {}


def test_no_more_than_a_bound_are_read() -> None:
    images = ({"code_file": f"{n}.js", "debug_id": ID} for n in range(1000))
    assert len(debug_ids(carrier(*images))) == 200
