"""Why the brokers refuse a connection: aiokafka logs the reason, and raises that it could not connect."""

import ssl
from collections.abc import Iterator

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from shared.queue.kafka.options import KafkaOptions, addresses, client_arguments


async def refusal(bootstrap: str, options: KafkaOptions) -> str | None:
    """Why a broker refuses our certificate, user or password, as a sentence; None: it does not.

    Tries each address once; to be called after connecting has failed.
    """
    if options.security.protocol == "PLAINTEXT":
        return None
    arguments = client_arguments(bootstrap, options)
    for name in ("bootstrap_servers", "metadata_max_age_ms"):
        del arguments[name]
    for host, port, _ in collect_hosts(addresses(bootstrap)):
        try:
            connection = await create_conn(host, port, **arguments)
        except (OSError, TimeoutError, KafkaError) as error:
            if sentence := _sentence(f"Kafka at {host}:{port}", error, options):
                return sentence
        else:
            connection.close()
            return None
    return None


def _sentence(broker: str, error: BaseException, options: KafkaOptions) -> str | None:
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return (
                    f"the certificate of {broker} is not trusted ({cause.verify_message}): set SLUICE_KAFKA_CA_FILE to"
                    " the authority that signed it, and use the host name that it is for"
                )
            case ssl.SSLError():
                return (
                    f"TLS with {broker} failed ({cause.reason or cause}): see SLUICE_KAFKA_SECURITY_PROTOCOL, and"
                    " SLUICE_KAFKA_CERT_FILE if it asks for a certificate of ours"
                )
            case SaslAuthenticationFailed():
                return (
                    f"{broker} refuses the user {options.security.username.reveal()!r} or the password: set"
                    " SLUICE_KAFKA_USERNAME and SLUICE_KAFKA_PASSWORD"
                )
            case UnsupportedSaslMechanismError() | IllegalSaslStateError():
                return (
                    f"{broker} does not let anybody log in by {options.security.mechanism}: set"
                    " SLUICE_KAFKA_SASL_MECHANISM and SLUICE_KAFKA_SECURITY_PROTOCOL to what its listener speaks"
                )
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
