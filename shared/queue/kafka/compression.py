"""zstd at level 1 for what aiokafka compresses."""

import sys

import cramjam
from aiokafka.record.default_records import DefaultRecordBatchBuilder

LEVEL = 1
"""Measured on batches of JSON logs: 1.4 to 1.7 times as fast as level 3, which aiokafka takes, and packed as small."""


def use_fast_zstd() -> None:
    """Make aiokafka compress at `LEVEL`; for the whole process, and harmless when repeated.

    It has no setting for the level, and compressing before it does costs a second checksum over everything, which
    takes as long as is won. A contract test notices when aiokafka no longer looks here.
    """
    vars(sys.modules[DefaultRecordBatchBuilder.__module__])["zstd_encode"] = zstd_encode


def zstd_encode(payload: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(payload, level=LEVEL))
