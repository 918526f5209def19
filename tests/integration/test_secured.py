"""TLS and logins on all four neighbours, and logins that are replaced while everything runs."""

import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Unavailable
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests.conftest import absent
from tests.contract.secured_kafka import SecuredKafka
from tests.faults.load import Load
from tests.faults.row_counts import assert_exactly_once
from tests.integration.secured_stack import USERS, SecuredStack, secured_stack
from tests.integration.stack import wait_until
from tests.sluice import called

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredStack]:
    for engine in (ClickHouse, Postgres, Valkey, SecuredKafka):
        try:
            engine.version()
        except Unavailable as error:
            absent(engine.role, error)
    with secured_stack(tmp_path_factory.mktemp("secured")) as made:
        yield made


def findings(environment: dict[str, str]) -> dict[str, str]:
    """What `sluice doctor` says of each part that fails."""
    told = called(["doctor", "--json"], environment)
    return {each["part"]: each["sentence"] for each in told.json["findings"] if each["state"] == "failure"}


def states(stack: SecuredStack) -> list[str]:
    """Of the gateway and its neighbours, as it sees them."""
    return re.findall(r'"status":"(\w+)"', stack.get("/health/ready"))


def knows_repeats(stack: SecuredStack) -> bool:
    """Whether a key of a request is known to be of another body."""
    key = {"Idempotency-Key": token_hex(8)}
    bodies = (b'{"service":"shop","logs":[{"level":"info","message":"%b"}]}' % word for word in (b"one", b"two"))
    first, second = [stack.post("/ingest/logs", body, key) for body in bodies]
    return first == 200 and second != 200


def test_logins_are_replaced_under_load_and_nothing_is_lost_or_doubled_or_shown(stack: SecuredStack) -> None:
    load = Load(stack, "secured", records_per_s=300)  # type: ignore[arg-type]  # `env` is all that it looks at
    with load:
        load.wait_for(200, 50)
        stack.hand_over("bob")
        load.wait_for(200, 50)
        stack.remove("ann")
        load.wait_for(200, 100)
    assert load.statuses.keys() <= {200, 202}, load.statuses
    assert_exactly_once(stack, load)  # type: ignore[arg-type]
    wait_until(lambda: set(states(stack)) == {"ok"}, 60, "a gateway that reaches all of them")
    wait_until(lambda: knows_repeats(stack), 60, "repeats that are known, by Redis")
    logs = stack.get(f"/api/v1/projects/{stack.env['SLUICE_PROJECT_ID']}/logs")
    assert '"message":"order taken' in logs
    assert not [each for each in findings(stack.environment).values() if "can't be reached" in each]
    told = stack.told() + stack.get("/health/ready") + stack.get("/metrics")
    assert not [word for word in USERS.values() if word in told]


def test_a_certificate_of_another_authority_is_refused_with_what_to_do(stack: SecuredStack, tmp_path: Path) -> None:
    other = {"SLUICE_KAFKA_CA_FILE": str(stack.certificates / "other-ca.pem")}
    stack.hand_over("bob", "other-ca.pem", tmp_path)
    files = {
        name: str(tmp_path / Path(file).name) for name, file in stack.environment.items() if name.endswith("URL_FILE")
    }
    found = findings(stack.environment | other | files)
    assert "certificate verify failed" in found["postgres"]
    assert "name the authority that signed it by sslrootcert= in SLUICE_POSTGRES_URL" in found["postgres"]
    assert "name the authority that signed it by ca_certs= in SLUICE_CLICKHOUSE_URL" in found["clickhouse"]
    assert "name the authority that signed it by ssl_ca_certs= in SLUICE_REDIS_URL" in found["redis"]
    assert "is not trusted" in found["queue"]
    assert "set SLUICE_KAFKA_CA_FILE" in found["queue"]
    assert not [word for word in USERS.values() if word in str(found)]
