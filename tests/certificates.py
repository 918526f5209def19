"""An authority of the test's own, and what it signs."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


def certificates_in(folder: Path) -> Path:
    """The folder, with ca.pem, other-ca.pem, broker.pem (key first, as Kafka wants it), client.pem, client.key."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    broker, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("client@example.com")
    chain = b"".join(pem.bytes() for pem in broker.cert_chain_pems)
    (folder / "broker.pem").write_bytes(_pkcs8(broker.private_key_pem) + chain)
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    return folder


def _pkcs8(key: trustme.Blob) -> bytes:
    """As Kafka wants it."""
    loaded = serialization.load_pem_private_key(key.bytes(), None)
    return loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
