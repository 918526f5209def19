"""Kafka with TLS and with SASL: on real brokers, by the settings alone."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local.engine import Unavailable
from shared import settings
from shared.failpoints import Failpoints
from shared.queue import open_queue
from shared.queue.base import Lane, Position, Queue, QueueError, QueueUnavailable
from shared.queue.kafka import KafkaQueue
from shared.queue.kafka.cluster import Cluster
from shared.queue.spool.aside import NAME
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool
from shared.queue.spool.names import GROUP_PREFIX
from tests.certificates import certificates_in
from tests.contract.engines import sqlite_limits
from tests.contract.kafka_tools import OPTIONS
from tests.contract.members import joined
from tests.contract.secured_kafka import Listener, SecuredKafka
from tests.services import required
from tests.topics import topic_spec

JAAS = "org.apache.kafka.common.security"
LOGIN = {"SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SLUICE_KAFKA_USERNAME": "sluice"}


def started(folder: Path, listener: Listener) -> Iterator[SecuredKafka]:
    try:
        SecuredKafka.version()
    except Unavailable as error:
        (pytest.fail if "kafka" in required() else pytest.skip)(str(error))
    with SecuredKafka(folder, listener) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def asks_for_passwords(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker with a SASL_PLAINTEXT listener that knows one user, by all mechanisms, who may do everything; and
    `gateway`, who may do what he is given."""
    scram = f"{JAAS}.scram.ScramLoginModule required;"
    properties = {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f'{JAAS}.plain.PlainLoginModule required user_sluice="open sesame";',
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
    }
    everywhere = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:sluice",
    }
    users = {"sluice": "open sesame", "gateway": "open sesame"}
    listener = Listener("SASL_PLAINTEXT", properties, users, everywhere)
    yield from started(tmp_path_factory.mktemp("sasl"), listener)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def speaks_tls(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[SecuredKafka]:
    """A broker with a TLS listener that wants to see a certificate of its own authority."""
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates / "ca.pem"),
        "ssl.client.auth": "required",
    }
    yield from started(tmp_path_factory.mktemp("tls"), Listener("SSL", properties))


def queue_of(kafka: SecuredKafka, *environments: Mapping[str, str]) -> Queue:
    usual = {"SLUICE_QUEUE_URL": kafka.secure_url, "SLUICE_WRITER_SESSION_TIMEOUT_S": "6"}
    return open_queue(settings.load(usual | {name: value for each in environments for name, value in each.items()}))


def with_files(certificates: Path, ca: str = "ca.pem", client: str | None = "client") -> dict[str, str]:
    own = {"CERT_FILE": f"{client}.pem", "KEY_FILE": f"{client}.key"} if client else {}
    files = {f"SLUICE_KAFKA_{name}": str(certificates / file) for name, file in {"CA_FILE": ca, **own}.items()}
    return {"SLUICE_KAFKA_SECURITY_PROTOCOL": "SSL", **files}


async def everything_works(queue: Queue, topic: str) -> None:
    """Making a topic, publishing, reading a range, consuming, committing, asking."""
    lane = Lane(topic, 0)
    assert await queue.create_topics([topic_spec(topic, 1)]) == [topic]
    producer = queue.producer()
    await producer.start()
    for number in range(3):
        assert (await producer.publish(topic, b"%d" % number)).offset == number
    await producer.stop()
    assert [message.value async for chunk in queue.read(lane, 0, 3) for message in chunk] == [b"0", b"1", b"2"]
    async with joined(queue, f"{topic}-readers", [topic]) as member:
        await member.until_owning(1)
        await member.seek_to_begin()
        assert [message.value for _, message in await member.collect(3)] == [b"0", b"1", b"2"]
        await member.consumer.commit(lane, Position(3, "done"), member.consumer.epochs()[lane])
    assert await queue.committed(f"{topic}-readers", [lane]) == {lane: Position(3, "done")}
    assert await queue.check_topics([topic]) == []
    assert (await queue.sizes([topic]))[topic] > 0
    await queue.ping()
    await queue.close()


async def why_refused(queue: Queue) -> str:
    """What a question, a publish and a consumer say; the same of all three."""
    reasons = []
    async with asyncio.timeout(60):
        with pytest.raises(QueueUnavailable) as asked:
            await queue.lanes(["logs"])
    reasons.append(str(asked.value))
    producer = queue.producer()
    await producer.start()
    with pytest.raises(QueueUnavailable) as published:
        await producer.publish("logs", b"x")
    reasons.append(str(published.value))
    await producer.stop()
    async with joined(queue, "readers", ["logs"]) as member:

        async def until_told() -> None:
            while True:
                await member.consumer.receive([], timeout_s=0.1)

        async with asyncio.timeout(60):
            with pytest.raises(QueueUnavailable) as received:
                await until_told()
        reasons.append(str(received.value))
    await queue.close()
    assert all(reasons[0] in reason for reason in reasons), reasons
    return reasons[0]


class TestSasl:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    async def test_a_user_with_the_right_password_may_do_everything(
        self, asks_for_passwords: SecuredKafka, mechanism: str, topic_prefix: str, tmp_path: Path
    ) -> None:
        (tmp_path / "password").write_text("open sesame\n")
        by_file = {"SLUICE_KAFKA_PASSWORD_FILE": str(tmp_path / "password")}
        given = by_file if mechanism == "PLAIN" else {"SLUICE_KAFKA_PASSWORD": "open sesame"}
        queue = queue_of(asks_for_passwords, LOGIN, given, {"SLUICE_KAFKA_SASL_MECHANISM": mechanism})
        await everything_works(queue, f"{topic_prefix}logs")

    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
    async def test_a_wrong_password_is_told_at_once_and_not_shown(
        self, asks_for_passwords: SecuredKafka, mechanism: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        wrong = {"SLUICE_KAFKA_PASSWORD": "sesame seeds", "SLUICE_KAFKA_SASL_MECHANISM": mechanism}
        reason = await why_refused(queue_of(asks_for_passwords, LOGIN, wrong))
        assert "refuses the user 'sluice' or the password: set SLUICE_KAFKA_USERNAME and" in reason
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("shared.")]
        assert [text for text in ours if text == f"nothing can be published: {reason}"], ours
        assert "sesame" not in reason + caplog.text

    async def test_a_listener_without_sasl_says_which_settings_to_look_at(
        self, asks_for_passwords: SecuredKafka
    ) -> None:
        login = {**LOGIN, "SLUICE_KAFKA_PASSWORD": "open sesame", "SLUICE_KAFKA_SASL_MECHANISM": "PLAIN"}
        plain = {"SLUICE_QUEUE_URL": asks_for_passwords.url}
        reason = await why_refused(queue_of(asks_for_passwords, login, plain))
        assert "does not let anybody log in by PLAIN: set SLUICE_KAFKA_SASL_MECHANISM and" in reason


TOPIC, GROUP, TRANSACTIONAL_ID = 2, 3, 5
READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS = 3, 4, 8, 10
PREFIXED, ALLOW = 4, 3


async def allow(kafka: SecuredKafka, resource: int, prefix: str, *operations: int) -> None:
    """Let the user `gateway` do this with all whose names begin so."""
    cluster = Cluster(kafka.url, OPTIONS)
    for operation in operations:
        request = CreateAclsRequest(resource, prefix, PREFIXED, "User:gateway", "*", operation, ALLOW)
        response = await cluster.ask(lambda client: client.send(client.get_random_node(), request))  # noqa: B023
        assert response.creation_responses[0][0] == 0
    await cluster.close()


class TestPermissions:
    """What a gateway needs (operating.md, "Kafka with TLS or a login")."""

    async def test_a_gateway_with_a_spool_needs_what_is_written(
        self, asks_for_passwords: SecuredKafka, topic_prefix: str, tmp_path: Path
    ) -> None:
        kafka, topic = asks_for_passwords, f"{topic_prefix}logs"
        made = KafkaQueue(kafka.url, OPTIONS)
        await made.create_topics([topic_spec(topic, 1)])
        await allow(kafka, TOPIC, topic_prefix, WRITE, DESCRIBE, DESCRIBE_CONFIGS)
        as_gateway = {**LOGIN, "SLUICE_KAFKA_USERNAME": "gateway", "SLUICE_KAFKA_PASSWORD": "open sesame"}
        queue = queue_of(kafka, as_gateway, {"SLUICE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"})
        assert isinstance(queue, KafkaQueue)
        producer = queue.producer()
        await producer.start()
        await producer.publish(topic, b"sent")
        await producer.stop()
        assert await queue.check_topics([topic]) == []

        spool = Spool(tmp_path / NAME, sqlite_limits())
        await spool.open([topic_spec(topic, 1)])
        await spool.publish(topic, b"spooled")
        drain = Drain(spool, queue, Failpoints().reach, bytes_s=10**12)
        with pytest.raises(QueueError):
            await drain.run()
        await allow(kafka, TRANSACTIONAL_ID, GROUP_PREFIX, WRITE, DESCRIBE)
        await allow(kafka, GROUP, GROUP_PREFIX, READ)
        with pytest.raises(QueueError, match="TopicAuthorizationFailed"):
            await drain.run()
        await allow(kafka, TOPIC, topic_prefix, READ)
        await drain.run()
        assert (await spool.state()).messages == 0
        await spool.close()
        await queue.close()
        read = [message.value async for chunk in made.read(Lane(topic, 0), 0, 100) for message in chunk]
        assert read == [b"sent", b"spooled"]
        await made.close()


class TestTls:
    async def test_a_client_with_the_right_certificate_may_do_everything(
        self, speaks_tls: SecuredKafka, certificates: Path, topic_prefix: str
    ) -> None:
        await everything_works(queue_of(speaks_tls, with_files(certificates)), f"{topic_prefix}logs")

    async def test_a_broker_signed_by_somebody_else_is_not_trusted(
        self, speaks_tls: SecuredKafka, certificates: Path
    ) -> None:
        reason = await why_refused(queue_of(speaks_tls, with_files(certificates, ca="other-ca.pem")))
        assert reason.startswith(f"the certificate of Kafka at {speaks_tls.secure_url.removeprefix('kafka://')} is not")
        assert "set SLUICE_KAFKA_CA_FILE" in reason

    async def test_a_client_without_the_certificate_that_is_asked_for_is_told_so(
        self, speaks_tls: SecuredKafka, certificates: Path
    ) -> None:
        reason = await why_refused(queue_of(speaks_tls, with_files(certificates, client=None)))
        assert "SLUICE_KAFKA_CERT_FILE if it asks for a certificate of ours" in reason

    async def test_a_listener_without_tls_says_which_setting_to_look_at(
        self, speaks_tls: SecuredKafka, certificates: Path
    ) -> None:
        plain = {"SLUICE_QUEUE_URL": speaks_tls.url}
        queue = queue_of(speaks_tls, with_files(certificates), plain, {"SLUICE_KAFKA_REQUEST_TIMEOUT_S": "2"})
        with pytest.raises(QueueUnavailable, match="SLUICE_KAFKA_SECURITY_PROTOCOL"):
            await queue.lanes(["logs"])
        await queue.close()
