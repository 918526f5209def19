"""A short run of the fault harness: a handful of faults and one mixed run on each queue (long runs: make soak)."""

from collections.abc import Iterator

import pytest

from tests.faults.catalog import FAULTS
from tests.faults.harness import MIXED, Step, mixed, run
from tests.faults.stack_under_test import StackUnderTest, stack_under_test

pytestmark = pytest.mark.timeout(600)

SEED = 20261122
DRAIN_WITHIN_S = 180.0
RECORDS_PER_S = 500

REPRESENTATIVES = (
    ("writer-frozen-before-insert", "poison-messages"),
    ("writer-killed-during-insert",),
    ("part-lost",),
    ("retention-passed",),
)


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """One stack for each queue; every run leaves it whole."""
    if request.param == "kafka":
        request.getfixturevalue("kafka_url")  # skips, or fails where Kafka is required
    with stack_under_test(tmp_path_factory.mktemp("faults") / "var", request.param) as made:
        yield made


def test_after_each_fault_every_acknowledged_record_is_one_row(stack: StackUnderTest) -> None:
    faults = [tuple(FAULTS[name] for name in names) for names in REPRESENTATIVES]
    check(stack, "each", (Step(each, hold_s=1.0, calm_s=0.2, seed=SEED) for each in faults))


def test_after_overlapping_faults_every_acknowledged_record_is_one_row(stack: StackUnderTest) -> None:
    check(stack, MIXED, mixed(stack.queue_kind, SEED, more_s=0.5), seconds=5)


def check(stack: StackUnderTest, label: str, steps: Iterator[Step], seconds: float | None = None) -> None:
    result = run(stack, label, steps, SEED, seconds=seconds, records_per_s=RECORDS_PER_S, drain_within_s=DRAIN_WITHIN_S)
    assert result.verdict.passed, result.as_dict()
