"""Logging in with what the settings' files hold now. aiokafka keeps the user and password that a client was made with,
and would come back with them after they were replaced."""

from typing import Any

from aiokafka.client import AIOKafkaClient

from shared.queue.kafka.security import KafkaSecurity


class _Current(AIOKafkaClient):  # type: ignore[misc]  # aiokafka's private names; a contract test replaces a password
    """Asks for user and password whenever it connects to a broker."""

    security: KafkaSecurity

    @property
    def _sasl_plain_username(self) -> str:
        return self.security.username.reveal()

    @property
    def _sasl_plain_password(self) -> str:
        return self.security.password.reveal()


def with_current_login(client: Any, security: KafkaSecurity) -> None:
    """Have a client of aiokafka, which a producer and a consumer make for themselves, log in so."""
    if security.mechanism:
        client.__class__ = _Current
        client.security = security
