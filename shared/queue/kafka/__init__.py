"""Apache Kafka as the queue."""

from shared.queue.kafka.options import KafkaOptions, options_of
from shared.queue.kafka.queue import KafkaQueue

__all__ = ["KafkaOptions", "KafkaQueue", "options_of"]
