"""A gateway of its own for each test that attacks it."""

from tests.integration.gateway.conftest import keys, keys_url, start_gateway

__all__ = ["keys", "keys_url", "start_gateway"]
