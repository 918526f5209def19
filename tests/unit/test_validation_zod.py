"""The DeepTracer routes refuse a body in Zod's words (design 03, "DeepTracer API")."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from gateway.rejections import InvalidBody, MalformedJson, respond
from gateway.validation import Validator
from shared.formats import deeptracer_errors, deeptracer_llm, deeptracer_logs, deeptracer_traces
from tests.bodies import bodies

FIXTURES = Path(__file__).parent.parent / "fixtures"
FORMATS = {
    "logs": deeptracer_logs.FORMAT,
    "errors": deeptracer_errors.FORMAT,
    "traces": deeptracer_traces.FORMAT,
    "llm": deeptracer_llm.FORMAT,
}
VALIDATORS = {name: Validator(fmt) for name, fmt in FORMATS.items()}
VECTORS = json.loads((FIXTURES / "zod_vectors.json").read_text())["cases"]
ZOD = "3.25.76"

Judge = Callable[[str, bytes], str]


def verdict(endpoint: str, body: bytes) -> str:
    """`valid`, `malformed` or the error body, as this gateway sees it."""
    try:
        VALIDATORS[endpoint].validate(body)
    except MalformedJson:
        return "malformed"
    except InvalidBody as rejection:
        status, answer, _ = respond(rejection, "deeptracer")
        assert status == 400
        return answer.decode()
    return "valid"


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['endpoint']}-{json.dumps(case['input'])[:60]}")
def test_a_recorded_body_gets_zods_answer_byte_for_byte(case: dict[str, Any]) -> None:
    expected = json.dumps(case["expected"], ensure_ascii=False, separators=(",", ":"))
    assert verdict(case["endpoint"], json.dumps(case["input"]).encode()) == expected


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    """Real zod, where `node` finds it (in a `node_modules` above this file, or through NODE_PATH)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    with subprocess.Popen(
        [node, str(FIXTURES / "zod_judge.cjs")], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != ZOD:
            pytest.skip(f"node finds no zod {ZOD}: npm install zod@{ZOD}, NODE_PATH names its node_modules")

        def ask(endpoint: str, body: bytes) -> str:
            request = {"endpoint": endpoint, "body": base64.b64encode(body).decode()}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return process.stdout.readline().removesuffix("\n")

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("endpoint", FORMATS)
def test_real_zod_gives_the_same_answer_to_every_body(endpoint: str, judge: Judge) -> None:
    @settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies(FORMATS[endpoint]))
    def compare(body: bytes) -> None:
        assert verdict(endpoint, body) == judge(endpoint, body)

    compare()
