"""Where the tests find their services, and what happens where one is missing."""

from pathlib import Path

import pytest

from deploy.local.engine import Unavailable
from deploy.local.kafka import Kafka
from tests.services import SERVICES, docker_answers, required


def test_a_service_named_by_the_environment_is_used_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_TEST_KAFKA_URL", "kafka://elsewhere:9092")
    with SERVICES["kafka"].url(tmp_path) as url:
        assert url == "kafka://elsewhere:9092"
    assert list(tmp_path.iterdir()) == []
    assert SERVICES["kafka"].describe() == "kafka from SLUICE_TEST_KAFKA_URL"


def test_kafka_without_java_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="install a Java 17 runtime"):
        Kafka.version()


@pytest.mark.skipif(docker_answers(), reason="a Docker engine would help out")
def test_a_service_that_is_nowhere_to_be_had_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("SLUICE_TEST_KAFKA_URL", raising=False)
    with pytest.raises(Unavailable, match="no Docker engine answers"), SERVICES["kafka"].url(tmp_path):
        pass


def test_required_services_are_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_TEST_REQUIRE", "kafka, postgres")
    assert required() == {"kafka", "postgres"}
    monkeypatch.setenv("SLUICE_TEST_REQUIRE", "kafak")
    with pytest.raises(ValueError, match="names kafak; there are clickhouse, postgres, redis, kafka"):
        required()
