"""TLS and SASL towards the brokers, as the settings want them."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.kafka import Kafka
from shared.secret import Secret
from shared.settings import BadSetting


@dataclass(frozen=True, kw_only=True)
class KafkaSecurity:
    """What every connection to a broker needs. `tls` is None without TLS, the texts are empty without SASL."""

    protocol: str
    tls: ssl.SSLContext | None
    mechanism: str
    username: Secret
    password: Secret

    def arguments(self) -> dict[str, Any]:
        """The same as keyword arguments of every aiokafka client, as it is now (see `login.py`)."""
        found: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls:
            found["ssl_context"] = self.tls
        if self.mechanism:
            found["sasl_mechanism"] = self.mechanism
            found["sasl_plain_username"] = self.username.reveal()
            found["sasl_plain_password"] = self.password.reveal()
        return found


def security_of(kafka: Kafka) -> KafkaSecurity:
    """Read the PEM files that the settings name.

    Raises:
        BadSetting: the settings contradict each other, or a file can't be used; the text says what to do.
    """
    protocol = kafka.security_protocol
    sasl = protocol.startswith("SASL_")
    return KafkaSecurity(
        protocol=protocol,
        tls=_tls(kafka),
        mechanism=_mechanism(kafka, sasl),
        username=kafka.username,
        password=_password(kafka) if sasl else Secret(""),
    )


def _mechanism(kafka: Kafka, sasl: bool) -> str:
    protocol = kafka.security_protocol
    login = kafka.sasl_mechanism or kafka.username or kafka.password
    if login and not sasl:
        better = "SASL_SSL" if protocol == "SSL" else "SASL_PLAINTEXT or SASL_SSL"
        raise BadSetting(
            f"SLUICE_KAFKA_SECURITY_PROTOCOL={protocol} logs nobody in, but a SASL mechanism, user or password is set:"
            f" set it to {better}, or leave those empty"
        )
    if sasl and not kafka.sasl_mechanism:
        raise BadSetting(
            f"SLUICE_KAFKA_SECURITY_PROTOCOL={protocol} needs SLUICE_KAFKA_SASL_MECHANISM:"
            " PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
    if sasl and not kafka.username:
        raise BadSetting(f"SLUICE_KAFKA_SECURITY_PROTOCOL={protocol} needs SLUICE_KAFKA_USERNAME")
    return kafka.sasl_mechanism


def _password(kafka: Kafka) -> Secret:
    if not kafka.password:
        raise BadSetting(
            f"SLUICE_KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} needs SLUICE_KAFKA_PASSWORD or"
            " SLUICE_KAFKA_PASSWORD_FILE"
        )
    return kafka.password


def _tls(kafka: Kafka) -> ssl.SSLContext | None:
    files = {"CA_FILE": kafka.ca_file, "CERT_FILE": kafka.cert_file, "KEY_FILE": kafka.key_file}
    if not kafka.security_protocol.endswith("SSL"):
        if unused := [name for name, file in files.items() if file]:
            raise BadSetting(
                f"SLUICE_KAFKA_{unused[0]} is set, but SLUICE_KAFKA_SECURITY_PROTOCOL={kafka.security_protocol} is"
                " without TLS: set it to SSL or SASL_SSL"
            )
        return None
    if kafka.key_file and not kafka.cert_file:
        raise BadSetting("SLUICE_KAFKA_KEY_FILE needs SLUICE_KAFKA_CERT_FILE, the certificate that the key is of")
    context = _trusting(kafka.ca_file)
    if kafka.cert_file:
        _show_certificate(context, kafka.cert_file, kafka.key_file)
    return context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise BadSetting(
            f"SLUICE_KAFKA_CA_FILE={ca_file} can't be used, it must hold PEM certificates: {error}"
        ) from None


def _show_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    try:
        # A password, though none is needed: without one OpenSSL asks the terminal for that of an encrypted key.
        context.load_cert_chain(cert_file, key_file, password="")
    except OSError as error:
        raise BadSetting(
            f"SLUICE_KAFKA_CERT_FILE={cert_file} and SLUICE_KAFKA_KEY_FILE={key_file or ''} can't be used, they must"
            f" hold a PEM certificate and its unencrypted key: {error}"
        ) from None
