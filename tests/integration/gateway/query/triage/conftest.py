"""A fresh Postgres with two projects."""

import pytest

from shared.clients.postgres import Postgres
from shared.error_states import States


@pytest.fixture
def states(postgres: Postgres) -> States:
    return States(postgres)
