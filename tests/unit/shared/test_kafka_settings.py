"""How Sluice comes to Kafka's brokers: settings that can't work refuse the boot with a sentence."""

import re
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from shared import settings
from shared.queue import open_queue
from shared.queue.kafka import options_of

LOGIN = {
    "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "SLUICE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "SLUICE_KAFKA_USERNAME": "sluice",
    "SLUICE_KAFKA_PASSWORD": "open sesame",
}
TLS = {"SLUICE_KAFKA_SECURITY_PROTOCOL": "SSL"}


def refused(environment: dict[str, str]) -> str:
    with pytest.raises(settings.BadSetting) as raised:
        open_queue(settings.load({"SLUICE_QUEUE_URL": "kafka://127.0.0.1:1", **environment}))
    return str(raised.value)


def without(name: str) -> dict[str, str]:
    return {each: value for each, value in LOGIN.items() if each != name}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (without("SLUICE_KAFKA_SASL_MECHANISM"), "needs SLUICE_KAFKA_SASL_MECHANISM: PLAIN, SCRAM-SHA-256 or SCRAM-"),
        (without("SLUICE_KAFKA_USERNAME"), "SASL_SSL needs SLUICE_KAFKA_USERNAME"),
        (without("SLUICE_KAFKA_PASSWORD"), "needs SLUICE_KAFKA_PASSWORD or SLUICE_KAFKA_PASSWORD_FILE"),
        (
            without("SLUICE_KAFKA_SECURITY_PROTOCOL"),
            "PLAINTEXT logs nobody in, .* set it to SASL_PLAINTEXT or SASL_SSL",
        ),
        (LOGIN | TLS, "SSL logs nobody in, .* set it to SASL_SSL, or leave those empty"),
        (LOGIN | {"SLUICE_KAFKA_PASSWORD_FILE": "/nowhere"}, "are both set: leave one empty"),
        (
            without("SLUICE_KAFKA_PASSWORD") | {"SLUICE_KAFKA_PASSWORD_FILE": "/nowhere"},
            "SLUICE_KAFKA_PASSWORD_FILE=/nowhere can't be read: .*No such file",
        ),
        ({"SLUICE_KAFKA_CA_FILE": "ca.pem"}, "SLUICE_KAFKA_CA_FILE is set, but .*=PLAINTEXT is without TLS"),
        (TLS | {"SLUICE_KAFKA_CA_FILE": "/nowhere.pem"}, "SLUICE_KAFKA_CA_FILE=/nowhere.pem can't be used"),
        (TLS | {"SLUICE_KAFKA_KEY_FILE": "key.pem"}, "SLUICE_KAFKA_KEY_FILE needs SLUICE_KAFKA_CERT_FILE"),
        (TLS | {"SLUICE_KAFKA_CERT_FILE": "/nowhere.pem"}, "SLUICE_KAFKA_CERT_FILE=/nowhere.pem .* can't be used"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(environment: dict[str, str], sentence: str) -> None:
    said = refused(environment)
    assert re.search(sentence, said), said
    assert "sesame" not in said


@pytest.mark.parametrize("variable", ["SLUICE_KAFKA_SASL_MECHANISM", "SLUICE_KAFKA_SECURITY_PROTOCOL"])
def test_a_word_that_kafka_does_not_know_is_refused_with_those_that_there_are(variable: str) -> None:
    with pytest.raises(settings.BadSetting, match=f"{variable}='KERBEROS'.*PLAIN"):
        settings.load({variable: "KERBEROS"})


def test_an_encrypted_key_is_refused_instead_of_asking_the_terminal(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("client")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"password")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (tmp_path / "key.pem").write_bytes(pem)
    files = {"CERT_FILE": "cert.pem", "KEY_FILE": "key.pem"}
    said = refused(TLS | {f"SLUICE_KAFKA_{name}": str(tmp_path / file) for name, file in files.items()})
    assert "unencrypted key" in said


def test_an_empty_password_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    said = refused(without("SLUICE_KAFKA_PASSWORD") | {"SLUICE_KAFKA_PASSWORD_FILE": str(tmp_path / "password")})
    assert said.endswith("password is empty")


def test_a_password_is_never_shown() -> None:
    config = settings.load(LOGIN)
    options = options_of(config)
    assert "sesame" not in f"{config} {config!r} {options} {options!r} {options.security.password}"
    assert options.security.arguments()["sasl_plain_password"] == "open sesame"


def test_without_any_setting_nothing_is_encrypted_and_nobody_logs_in() -> None:
    assert options_of(settings.Settings()).security.arguments() == {"security_protocol": "PLAINTEXT"}


def test_the_embedded_queue_minds_none_of_them() -> None:
    open_queue(settings.load(TLS | {"SLUICE_KAFKA_CA_FILE": "/nowhere.pem"}))


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1", "kafka:/one:9092"])
def test_a_url_of_no_queue_is_refused_with_the_forms_that_there_are(url: str) -> None:
    config = settings.Settings(services=settings.Services(queue_url=url))
    with pytest.raises(settings.BadSetting, match=r"SLUICE_QUEUE_URL: .*sqlite:///path/queue\.db or kafka://host:port"):
        open_queue(config)


def test_a_url_without_a_broker_is_refused() -> None:
    assert "SLUICE_QUEUE_URL" in refused({"SLUICE_QUEUE_URL": "kafka://"})


def test_a_url_with_a_user_is_refused_and_not_shown() -> None:
    said = refused({"SLUICE_QUEUE_URL": "kafka://sluice:sesame@127.0.0.1:9092"})
    assert "set SLUICE_KAFKA_USERNAME and SLUICE_KAFKA_PASSWORD" in said
    assert "sesame" not in said
