"""Where the key stands in the body, the key and the frame come out of one decode."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gateway.validation.parts import Opened
from gateway.validation.validator import validator
from shared.formats import deeptracer_errors, deeptracer_logs, proliferate_logs
from tests.validating import REGISTRY, Door

LOG = {"level": "info", "message": "m"}
BODIES = [
    (proliferate_logs, {"api_key": "pk_k", "logs": [LOG, LOG | {"level": "loud"}]}),
    (deeptracer_logs, {"service": "s", "api_key": "pk_k", "logs": [LOG]}),
    (deeptracer_errors, {"error_message": "m", "stack_trace": "s", "api_key": "pk_k"}),
]


@pytest.mark.parametrize(("contract", "body"), BODIES, ids=["partial batch", "batch", "one"])
def test_one_decode_gives_the_key_and_the_frame(contract: Any, body: dict[str, Any]) -> None:
    ((name, shape),) = contract.INTAKE.bodies.items()
    checked: Any = validator(REGISTRY.formats[name], shape, Door(contract).api)
    calls: Counter[str] = Counter()

    def counted(what: str, call: Any) -> Any:
        def count(text: Any) -> Any:
            calls[what] += 1
            return call(text)

        return count

    checked._fast = replace(checked._fast, head=counted("head", checked._fast.head))
    checked._key_of = counted("key alone", checked._key_of)
    opened: Opened = checked.opened(json.dumps(body).encode())
    assert checked.key_in(opened) == "pk_k"
    assert checked.validate(opened).n == 1
    assert calls == {"head": 1}
