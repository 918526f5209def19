"""Apache Kafka as the queue."""

from shared.queue.kafka.options import KafkaOptions, KafkaSecurity
from shared.queue.kafka.queue import KafkaQueue

__all__ = ["KafkaOptions", "KafkaQueue", "KafkaSecurity"]
