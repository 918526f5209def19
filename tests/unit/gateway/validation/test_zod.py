"""The DeepTracer routes refuse a body in Zod's words (contracts.md, "Zod's validation errors")."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from msgspec import Meta

from gateway.apis.deeptracer import API
from gateway.rejections import InvalidBody, MalformedJson
from gateway.validation.contract import node_of
from gateway.validation.faults import Walker
from gateway.validation.mending import MAX_FAULTS
from shared.formats import deeptracer_errors, deeptracer_llm, deeptracer_logs, deeptracer_traces
from tests.bodies import bodies
from tests.examples import examples
from tests.validating import Door

FIXTURES = Path(__file__).parents[3] / "fixtures"
FORMATS = {
    "logs": Door(deeptracer_logs),
    "errors": Door(deeptracer_errors),
    "traces": Door(deeptracer_traces),
    "llm": Door(deeptracer_llm),
}
VECTORS = json.loads((FIXTURES / "zod_vectors.json").read_text())["cases"]
OTHER_VECTORS = json.loads((FIXTURES / "zod_vectors_other_types.json").read_text())["cases"]

Judge = Callable[[str, bytes], str]


def verdict(endpoint: str, body: bytes) -> str:
    """`valid`, `malformed` or the error body, as this gateway sees it."""
    try:
        FORMATS[endpoint].validate(body)
    except MalformedJson:
        return "malformed"
    except InvalidBody as rejection:
        answer = API.answer(rejection)
        assert answer.status == 400
        return answer.body.decode()
    return "valid"


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['endpoint']}-{json.dumps(case['input'])[:60]}")
def test_a_recorded_body_gets_zods_answer_byte_for_byte(case: dict[str, Any]) -> None:
    expected = json.dumps(case["expected"], ensure_ascii=False, separators=(",", ":"))
    assert verdict(case["endpoint"], json.dumps(case["input"]).encode()) == expected


def issues(endpoint: str, body: Any) -> list[dict[str, Any]]:
    answer = json.loads(verdict(endpoint, json.dumps(body).encode()))
    listed: list[dict[str, Any]] = answer["error"]["issues"]
    return listed


LOG = {"level": "info", "message": "m"}
SPAN = {"trace_id": "t", "span_id": "s", "operation": "o", "start_time": "2026-02-23T00:00:00Z", "duration_ms": 1}


def test_an_array_that_is_too_long_is_told_first_and_its_elements_are_still_checked() -> None:
    assert [issue["path"] for issue in issues("logs", {"logs": [LOG] * 1000 + [5]})] == [["logs"], ["logs", 1000]]
    assert issues("logs", {"logs": [LOG] * 1001})[0]["code"] == "too_big"


@pytest.mark.parametrize("place", [{"release": "{}", "logs": [LOG]}, {"logs": [LOG | {"release": "{}"}]}], ids=str)
def test_the_length_of_a_release_is_counted_in_utf16_units(place: Any) -> None:
    def judged(release: str, ascii_only: bool) -> str:
        return verdict("logs", json.dumps(place, ensure_ascii=ascii_only).replace("{}", release).encode())

    for ascii_only in (True, False):
        assert judged("a" * 128, ascii_only) == "valid"
        assert judged("é" * 128, ascii_only) == "valid"
        assert judged("😀" * 64, ascii_only) == "valid"
        assert "at most 128" in judged("a" * 129, ascii_only)
        assert "at most 128" in judged("😀" * 64 + "a", ascii_only)
        assert "at most 128" in judged(r"\ud83d\ude00" * 65, ascii_only)


@pytest.mark.parametrize("start", ["2026-02-23 00:00:00Z", "2026-02-23t00:00:00z", "2026-02-23 00:00:00.5+01:00"])
def test_a_space_for_the_t_and_lower_case_letters_are_no_fault_although_zod_says_so(start: str) -> None:
    assert verdict("traces", json.dumps(SPAN | {"start_time": start}).encode()) == "valid"
    assert [issue["path"] for issue in issues("traces", SPAN | {"start_time": start, "span_id": 1})] == [["span_id"]]


def test_null_is_no_timestamp() -> None:
    assert issues("logs", {"logs": [LOG | {"timestamp": None}]})[0]["message"] == "Expected string, received null"


def test_a_list_of_faults_ends_somewhere() -> None:
    *listed, last = issues("logs", {"logs": [0] * (MAX_FAULTS + 5)})
    assert len(listed) == MAX_FAULTS
    # One of the faults is that there are too many logs.
    assert last == {"code": "custom", "message": "6 more issues are not listed", "path": []}


class Other(msgspec.Struct):
    """Types that formats of extensions may have."""

    whole: Annotated[int, Meta(ge=0, le=10)]
    least: Annotated[float, Meta(ge=0.5)]
    text: Annotated[str, Meta(min_length=2, max_length=3)]
    flag: bool
    numbers: Annotated[list[float], Meta(min_length=1, max_length=2)]
    map: dict[str, float]
    either: str | float
    maybe: str | None


@pytest.mark.parametrize("case", OTHER_VECTORS, ids=lambda case: json.dumps(case["input"])[:30])
def test_each_type_has_zods_words(case: dict[str, Any]) -> None:
    told = API.invalid(Walker(API.length).faults(node_of(Other), case["input"]))
    assert msgspec.json.encode(told).decode() == json.dumps(case["expected"], separators=(",", ":"))


@pytest.fixture(scope="module")
def judge(npm_folder: Callable[[str], Path]) -> Iterator[Judge]:
    """Real zod."""
    with subprocess.Popen(
        ["node", npm_folder("zod") / "judge.cjs"], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(endpoint: str, body: bytes) -> str:
            request = {"endpoint": endpoint, "body": base64.b64encode(body).decode()}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return process.stdout.readline().removesuffix("\n")

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("endpoint", FORMATS)
def test_real_zod_gives_the_same_answer_to_every_body(endpoint: str, judge: Judge) -> None:
    @examples(30)
    @given(bodies(FORMATS[endpoint]))
    def compare(body: bytes) -> None:
        assert verdict(endpoint, body) == judge(endpoint, body)

    compare()
