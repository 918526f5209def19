"""The fault harness, shortly: a handful of faults alone and one mixed run on each queue (the long ones: make soak)."""

from collections.abc import Iterator

import pytest

from tests.faults.arena import Arena, arena
from tests.faults.catalog import FAULTS
from tests.faults.harness import Result, alone, mixed, run

SEED = 20261122


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """One stack a queue: each run leaves it whole."""
    if request.param == "kafka":
        request.getfixturevalue("kafka_url")  # skips, or fails where Kafka is required
    with arena(tmp_path_factory.mktemp("faults") / "var", request.param) as made:
        yield made


@pytest.mark.parametrize(
    "name",
    ["writer-killed-during-insert", "writer-frozen-before-insert", "part-lost", "poison-messages", "retention-passed"],
)
def test_every_acknowledged_record_is_one_row_whatever(stage: Arena, name: str) -> None:
    check(run(stage, name, alone(FAULTS[name], SEED, soak=False), SEED))


def test_a_mix_of_faults_loses_and_doubles_nothing(stage: Arena) -> None:
    check(run(stage, "mixed", mixed(stage.queue_kind, SEED), SEED, seconds=15))


def check(result: Result) -> None:
    assert result.verdict.passed, result.as_dict()
