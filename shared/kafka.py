"""How Sluice comes to the brokers of Apache Kafka, as settings."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.secret import Secret


class Kafka(msgspec.Struct, frozen=True, kw_only=True):
    """Apache Kafka as the queue, `SLUICE_KAFKA_*`. PEM files are read once, when a process starts."""

    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="What the brokers' listener speaks: PLAINTEXT, SSL (TLS), SASL_PLAINTEXT or SASL_SSL"),
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(description="How to log in, with SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    ] = ""
    username: Annotated[Secret, Meta(description="The user to log in as, with SASL")] = Secret("")
    password: Annotated[Secret, Meta(description="The user's password, with SASL")] = Secret("")
    ca_file: Annotated[
        Path | None,
        Meta(description="PEM file of who signs the brokers' certificates; empty: the system's authorities"),
    ] = None
    cert_file: Annotated[
        Path | None, Meta(description="PEM file of our own certificate, where the brokers ask for one")
    ] = None
    key_file: Annotated[
        Path | None, Meta(description="PEM file of its key, unencrypted; empty: it is in the certificate's file")
    ] = None
    client_id: Annotated[str, Meta(description="Our name in the brokers' logs, metrics and quotas")] = "sluice"
    request_timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds that one question to the cluster, or one try to connect, may take")
    ] = 10.0
    client_rack: Annotated[
        str, Meta(description="Where we run, as the brokers' broker.rack: writers then read from copies near by")
    ] = ""
    replication_factor: Annotated[
        int,
        Meta(ge=-1, description="Copies of a new topic; 0: one a broker, at most 3; -1: default.replication.factor"),
    ] = 0
