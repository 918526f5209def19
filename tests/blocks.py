"""Blocks of rows from plain values, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.signals.base import Table
from writer.wire.block import Block


def block_of(table: Table, columns: Mapping[str, Sequence[Any]]) -> Block:
    """The rows of these columns, of equal length."""
    block = Block(table)
    block.append(dict(columns), len(next(iter(columns.values()))))
    return block


def values_of(block: Block) -> dict[str, list[Any]]:
    """The values of the columns that are sent; text as str."""
    return {name: list(map(_as_text, column.values)) for name, column in block.columns.items()}


def _as_text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
