"""The writer's stage, for the operator's commands."""

from tests.integration.writer.conftest import any_stage, kafka_stage, stage

__all__ = ["any_stage", "kafka_stage", "stage"]
