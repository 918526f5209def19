"""Apache Kafka as the queue."""

from shared.queue.kafka.options import KafkaOptions, KafkaSecurity, options_of
from shared.queue.kafka.queue import KafkaQueue

__all__ = ["KafkaOptions", "KafkaQueue", "KafkaSecurity", "options_of"]
